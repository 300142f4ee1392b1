/** Imported `with { type: "text" }`: the file's text. */
declare module "*.cjs" {
  const text: string;
  export default text;
}
