# Takes the program in and keeps it under its digest; see start.rs. Before this script stand
# m (the mark), digest, d (the folder, found to be safe) and unpack (gzip or plain).
LC_ALL=C; export LC_ALL
umask 077
say() { printf '\n%s %s\n' "$m" "$*"; }
new="$d/.new.$$"
trap 'rm -f "$new"' EXIT
trap 'exit 1' HUP INT TERM
say send
if [ "$unpack" = gzip ]; then gzip -dc >"$new"; else cat >"$new"; fi || { say "no $d could not be written to: no space?"; exit 0; }
chmod 700 "$new" 2>/dev/null
# It is what was sent if it says so itself.
got=$("$new" agent --digest 2>/dev/null </dev/null)
if [ "$got" != "$digest" ]; then say "no the program did not arrive whole, or does not run on the node"; exit 0; fi
mv -f "$new" "$d/$digest" || { say "no $d/$digest cannot be written"; exit 0; }
say done
