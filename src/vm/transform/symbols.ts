/**
 * The functions of wasmoon 1.16.0's wasm that the transform speaks of, by the number that
 * binaryen gives them and the name that they have in Lua's C source. Functions that the module
 * exports get their exported name without being listed here.
 */
export const functionNames: Readonly<Record<string, string>> = {
  $93: "luaL_error",
  $113: "interror",
  $135: "l_alloc",
  $143: "luaB_assert",
  $144: "luaB_error",
  $157: "luaB_pcall",
  $158: "finishpcall",
  $167: "luaB_tonumber",
  $170: "luaB_xpcall",
  $205: "luaB_cocreate",
  $206: "luaB_coresume",
  $207: "auxresume",
  $209: "luaB_costatus",
  $211: "luaB_auxwrap",
  $212: "luaB_yield",
  $214: "luaB_close",
  $243: "luaG_typeerror",
  $245: "typeerror",
  $246: "luaG_runerror",
  $249: "luaG_errormsg",
  $250: "luaG_opinterror",
  $251: "luaG_tointerror",
  $253: "luaG_traceexec",
  $255: "luaD_throw",
  $256: "luaD_rawrunprotected",
  $263: "luaD_tryfuncTM",
  $264: "luaD_poscall",
  $265: "precallC",
  $266: "luaD_precall",
  $267: "luaD_call",
  $268: "luaD_callnoyield",
  $270: "resume",
  $271: "unroll",
  $288: "luaC_barrierback_",
  $295: "singlestep",
  $301: "luaC_step",
  $344: "luaX_next",
  $383: "luaM_realloc_",
  $384: "luaM_malloc_",
  $456: "luaS_newlstr",
  $497: "luaH_resize",
  $498: "luaH_newkey",
  $499: "luaH_get",
  $500: "luaH_setint",
  $501: "luaH_new",
  $503: "luaH_getint",
  $402: "luaO_tostring",
  $403: "luaO_pushvfstring",
  $405: "addnum2buff",
  $465: "str_find_aux",
  $303: "luaC_fullgc",
  $379: "tryagain",
  $468: "gmatch_aux",
  $469: "str_gsub",
  $470: "match",
  $473: "str_lower",
  $475: "str_rep",
  $476: "str_reverse",
  $478: "str_upper",
  $509: "tconcat",
  $511: "tinsert",
  $514: "tremove",
  $517: "auxsort",
  $258: "luaD_growstack",
  $280: "luaF_newLclosure",
  $282: "luaF_closeupval",
  $283: "luaF_close",
  $284: "luaF_newproto",
  $286: "luaC_barrier_",
  $290: "luaC_newobj",
  $292: "freeobj",
  $495: "luaH_realasize",
  $496: "getgeneric",
  $504: "luaH_getshortstr",
  $507: "luaH_getn",
  $523: "luaT_trybinTM",
  $525: "luaT_trybinassocTM",
  $527: "luaT_callorderiTM",
  $543: "luaV_finishget",
  $544: "luaV_finishset",
  $545: "luaV_equalobj",
  $546: "luaV_concat",
  $547: "luaV_shiftl",
  $564: "fmod",
  $590: "pow",
  $548: "luaV_execute",
  $588: "memchr",
  $589: "memcmp",
  $595: "snprintf",
  $603: "strlen",
  $605: "strpbrk",
  $613: "strtod",
  $619: "printf_core",
  $621: "fmt_x",
  $623: "fmt_u",
  $624: "pad",
  $625: "fmt_fp",
  $642: "emscripten_longjmp",
};

/** Returns the functions in a module's text the names of Lua's C source. */
export function nameFunctions(text: string): string {
  const names = new Map(Object.entries(functionNames));
  for (const [, name, number] of text.matchAll(/\(export "(\w+)" \(func (\$\d+)\)\)/g)) {
    // Several exports may share a function; the first is as good as the others.
    if (!names.has(number!)) names.set(number!, name!);
  }
  const named = (number: string) => {
    const name = names.get(number);
    return name === undefined ? number : `$${name}`;
  };
  return text
    .replaceAll(/(\((?:call|func|ref\.func) )(\$\d+)/g, (_, head, number) => head + named(number))
    .replaceAll(
      /^( \(elem \$0 \(i32\.const 1\))(.*)\)$/gm,
      (_, head, functions) => `${head}${functions.replaceAll(/\$\d+/g, named)})`,
    );
}
