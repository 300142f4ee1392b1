/** What a replay must see the same of the module `cloudstorage`. Nothing listens at the port; the failure is recorded. */
export const probes = {
  "cloudstorage.get": `(function()
    local bucket = assert(cloudstorage.get("app:bucket"))
    return bucket:presigned_get_url("a"), bucket:presigned_put_url("a"), bucket:head_object("a"), bucket:list_objects(),
      bucket:download_object("a"), bucket:upload_object("a", "x"), bucket:delete_objects("a"), bucket:open_object("a"),
      bucket:release()
  end)()`,
};
