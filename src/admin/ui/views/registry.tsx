import hljs from "highlight.js/lib/core";
import lua from "highlight.js/lib/languages/lua";
import { useState } from "preact/hooks";
import { useLoad } from "../live.ts";
import { Empty, Facts, Filter, Link, Pager, Shown, Table, Value } from "../parts.tsx";
import { api, segment } from "../request.ts";
import { place, setQuery, to } from "../router.ts";
import { unitColumns } from "./processes.tsx";

hljs.registerLanguage("lua", lua);

/** Entries of the application, by namespace. */
export function RegistryView() {
  const { query } = place.value;
  const text = query.get("text") ?? "";
  const kind = query.get("kind") ?? "";
  const [at, setAt] = useState<readonly string[]>([]);
  const after = at.at(-1);
  const page = useLoad(
    `entries ${text} ${kind} ${after ?? ""}`,
    () => api.get("/registry/entries", { query: { text, kind, after, limit: 500 } }),
    5000,
  );
  return (
    <>
      <h1>Registry</h1>
      <div class="filters">
        <Filter label="Name" value={text} set={(value) => setQuery({ text: value })} />
        <Filter
          label="Kind"
          value={kind}
          placeholder="function.lua"
          set={(value) => setQuery({ kind: value })}
        />
      </div>
      <Shown from={page}>
        {({ entries, next, version }) =>
          entries.length === 0
            ? (
              <Empty
                title={text || kind
                  ? "No entries match these filters"
                  : "The application has no entries"}
              >
                <p>
                  Entries are written in files <code>_index.yaml</code>.
                </p>
              </Empty>
            )
            : (
              <>
                <p class="soft">Version {version}</p>
                {[...Map.groupBy(entries, ({ namespace }) => namespace)].map(([namespace, own]) => (
                  <section key={namespace}>
                    <h2>{namespace}</h2>
                    <Table
                      caption={`Entries of ${namespace}`}
                      rows={own}
                      keyOf={({ id }) => id}
                      columns={[
                        {
                          title: "Name",
                          cell: ({ id, name }) => <Link to={to("registry", id)}>{name}</Link>,
                        },
                        {
                          title: "Kind",
                          cell: ({ kind }) => (
                            <Link to={`/registry?kind=${segment(kind)}`}>{kind}</Link>
                          ),
                        },
                        { title: "Comment", minor: true, cell: ({ comment }) => comment ?? "" },
                      ]}
                    />
                  </section>
                ))}
                <Pager next={next} at={at} set={setAt} />
              </>
            )}
      </Shown>
    </>
  );
}

/** Lua, coloured. The library escapes what it does not mark up. */
function Source({ text }: { text: string }) {
  const html = hljs.highlight(text, { language: "lua" }).value;
  return <pre class="source" tabIndex={0} dangerouslySetInnerHTML={{ __html: html }} />;
}

/** One entry with its source and the units that run it. */
export function EntryView({ id }: { id: string }) {
  const entry = useLoad(
    `entry ${id}`,
    () => api.get("/registry/entries/:id", { params: { id } }),
    5000,
  );
  const units = useLoad(
    `units of ${id}`,
    () => api.get("/units", { query: { entry: id, limit: 50 } }),
    3000,
  );
  return (
    <>
      <p class="crumbs">
        <Link to="/registry">Registry</Link>
      </p>
      <h1>{id}</h1>
      <Shown from={entry}>
        {({ kind, comment, meta, data, origin }) => {
          const { source, ...rest } = data;
          return (
            <>
              <Facts
                of={[
                  ["Kind", <Link to={`/registry?kind=${segment(kind)}`}>{kind}</Link>],
                  ["Comment", comment],
                  ["File", origin && `${origin.file}:${origin.line}`],
                ]}
              />
              {typeof source === "string" && (
                <section>
                  <h2>Source</h2>
                  <Source text={source} />
                </section>
              )}
              {Object.keys(rest).length > 0 && <Value title="Data" of={rest} />}
              {Object.keys(meta).length > 0 && <Value title="Metadata" of={meta} />}
            </>
          );
        }}
      </Shown>
      <section>
        <h2>Units that run it</h2>
        <Shown from={units}>
          {({ units: found, next }) =>
            found.length === 0 ? <p class="soft">None at the moment.</p> : (
              <>
                <Table
                  caption="Units that run it"
                  columns={unitColumns}
                  rows={found}
                  keyOf={({ pid }) => pid}
                />
                {next !== undefined && (
                  <Link to={`/processes?entry=${segment(id)}`}>All of them</Link>
                )}
              </>
            )}
        </Shown>
      </section>
    </>
  );
}
