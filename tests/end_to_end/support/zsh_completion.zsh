# usage: zsh -f zsh_completion.zsh FOLDER LINE: prints the line as an interactive zsh, with the completions of FOLDER, has it after Tab.
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell "fpath=($1 \$fpath); autoload -Uz compinit; compinit -u -D"
# The echo of these words has no LINE followed by a bracket.
zpty -w shell "show() { print -r -- LI\"\"NE\"<\$BUFFER>\"; exit }; zle -N show; bindkey '^X' show; bindkey '^I' complete-word"
zpty -n -w shell "$2"$'\t\x18'
while zpty -r shell line; do
  if [[ $line == *LINE\<*\>* ]]; then
    print -r -- ${${line##*LINE<}%%>*}
    break
  fi
done
