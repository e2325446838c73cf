# Packages of npm for a test, installed once. Source this file.

# npm_install <folder> [packages]...: without packages, those of the folder's package.json. An installation that was
# interrupted leaves folders of packages that are not complete, so the name of a file says which are all there.
npm_install() {
  local folder=$1 installed
  shift
  installed=$folder/node_modules/.installed-$({ cat "$folder/package.json" 2> /dev/null; echo "$@"; } | cksum | cut -d' ' -f1)
  [ -e "$installed" ] && return
  rm -f "$folder"/node_modules/.installed-*  # npm removes what it is not asked for
  npm install --silent --no-audit --no-fund --no-save --no-package-lock --prefix "$folder" "$@" || return
  touch "$installed"
}
