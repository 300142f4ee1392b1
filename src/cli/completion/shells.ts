/**
 * Scripts that make a shell call `wippy complete` for candidates. It prints one candidate per line, with a tab before
 * its description, and last a line ":files", ":directories" or ":nothing" that names what else is possible.
 */
export const shellScripts = {
  // Bash splits words also at ":" and "=", which entry identifiers and flags contain; the line is split again here, and
  // the part that bash will not replace is cut off.
  bash: `# bash completion for wippy
_wippy_paths() {
  compopt -o filenames
  mapfile -t COMPREPLY < <(compgen "$1" -- "$2")
}
_wippy() {
  local line="\${COMP_LINE:0:COMP_POINT}" current candidate rest kept
  local -a words=() candidates=()
  read -ra words <<< "$line"
  [[ $line == *[[:space:]] ]] && words+=("")
  current="\${words[-1]}"
  rest="\${current##*[:=]}"
  kept="\${current%"$rest"}"
  COMPREPLY=()
  while IFS= read -r candidate; do
    case $candidate in
      :files) [[ \${#COMPREPLY[@]} -gt 0 ]] || _wippy_paths -f "$rest" ;;
      :directories) _wippy_paths -d "$rest" ;;
      :nothing) ;;
      *) candidate="\${candidate%%$'\\t'*}"; COMPREPLY+=("\${candidate#"$kept"}") ;;
    esac
  done < <("\${words[0]}" complete -- "\${words[@]:1}" 2>/dev/null)
}
complete -F _wippy wippy
`,
  zsh: `#compdef wippy
_wippy() {
  local candidate
  local -a candidates
  for candidate in "\${(@f)$("\${words[1]}" complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    case $candidate in
      :files) (( \${#candidates} )) || _files ;;
      :directories) _files -/ ;;
      :nothing) ;;
      *) candidates+=("\${\${\${candidate//\\\\/\\\\\\\\}//:/\\\\:}/$'\\t'/:}") ;;
    esac
  done
  (( \${#candidates} )) && _describe 'wippy' candidates
}
if [ "\${funcstack[1]}" = _wippy ]; then
  _wippy "$@"
else
  compdef _wippy wippy
fi
`,
  fish: `# fish completion for wippy
function __wippy_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l answer ($words[1] complete -- $words[2..] "$current" 2>/dev/null)
    set -l candidates $answer[1..-2]
    switch "$answer[-1]"
        case :files
            if test (count $candidates) -eq 0
                __fish_complete_path "$current"
            end
        case :directories
            __fish_complete_directories "$current"
    end
    test (count $candidates) -eq 0; or printf '%s\\n' $candidates
end
complete -c wippy -f -a '(__wippy_complete)'
`,
} as const;

/** A shell that has a script. */
export type Shell = keyof typeof shellScripts;
