/** What a shell needs to ask us. Names of files come from the shell, where we know nothing. */
export const scripts = {
  bash: `# bash completion for vurti. Once:  source <(vurti completion bash)
# for good:  vurti completion bash > /etc/bash_completion.d/vurti
_vurti() {
  local line
  COMPREPLY=()
  while IFS= read -r line; do
    COMPREPLY+=("$line")
  done < <("\${COMP_WORDS[0]}" __complete "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
  # A list by comma goes on.
  [[ \${#COMPREPLY[@]} -eq 1 && \${COMPREPLY[0]} == *,* ]] && compopt -o nospace 2>/dev/null
  return 0
}
complete -o default -F _vurti vurti
`,
  zsh: `#compdef vurti
# zsh completion for vurti. Once:  source <(vurti completion zsh)
# for good:  vurti completion zsh > "\${fpath[1]}/_vurti"
_vurti() {
  local -a found
  found=(\${(f)"$("\${words[1]}" __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)"})
  if (( \${#found} )); then
    compadd -- $found
  else
    _files
  fi
}
if [ "$funcstack[1]" = "_vurti" ]; then _vurti "$@"; else compdef _vurti vurti; fi
`,
  fish: `# fish completion for vurti. Once:  vurti completion fish | source
# for good:  vurti completion fish > ~/.config/fish/completions/vurti.fish
function __vurti_complete
    set -l tokens (commandline -opc)
    $tokens[1] __complete $tokens[2..-1] (commandline -ct) 2>/dev/null
end
complete -c vurti -a '(__vurti_complete)'
`,
} as const;
