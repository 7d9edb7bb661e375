//! The functions of scripts, in POSIX sh.
//!
//! Names of variables begin with `p_`, so that none is by chance an exported one: commands
//! would get what the script puts there.

use super::plan::Step;

/// Ends a section of both streams: tag, status.
pub(super) const MARK: &str = r#"m(){ printf '\n%s %s %s\n' $p_M "$1" "$2";printf '\n%s %s %s\n' $p_M "$1" "$2" >&2;}"#;

/// The environment commands get, and who the user is. The number comes from the kernel and
/// the name from the file of users where that is enough: neither costs a fork.
pub(super) const HELLO: &str = r#"cd /
p_o=$PATH;PATH=@PATH@
set -f;IFS=:;for p_d in $p_o;do case :$PATH: in *:"$p_d":*);;*)PATH=$PATH:$p_d;;esac;done;unset IFS;set +f
unset ENV BASH_ENV CDPATH PWD OLDPWD LANG LANGUAGE LC_CTYPE LC_NUMERIC LC_TIME LC_COLLATE LC_MONETARY LC_MESSAGES LC_PAPER LC_NAME LC_ADDRESS LC_TELEPHONE LC_MEASUREMENT LC_IDENTIFICATION
LC_ALL=C;export PATH LC_ALL
p_u=;while read -r p_a p_b p_c p_d;do case $p_a in Uid:)p_u=$p_c;break;;esac;done 2>/dev/null </proc/self/status
[ "$p_u" ]||p_u=$(id -u)
p_n=;while IFS=: read -r p_a p_b p_c p_d p_e p_f p_g;do if [ "$p_c" = "$p_u" ];then p_n=$p_a
[ "${HOME+x}" ]||HOME=$p_f
[ "${SHELL+x}" ]||SHELL=$p_g
[ "${USER+x}" ]||USER=$p_n
[ "${LOGNAME+x}" ]||LOGNAME=$p_n
export HOME SHELL USER LOGNAME;break;fi;done 2>/dev/null </etc/passwd
[ "$p_n" ]||p_n=$(id -un 2>/dev/null)
printf '%s %s' "$p_u" "$p_n";m 0 0
"#;

/// Puts the path of a program into `p_w`, as `command -v` finds it were there no builtins.
const WHICH: &str = r#"W(){ p_w=;case $1 in */*)[ -f "$1" ]&&[ -x "$1" ]&&p_w=$1;[ "$p_w" ];return;;esac
set -f;IFS=:;for p_d in $PATH;do if [ -f "${p_d:-.}/$1" ]&&[ -x "${p_d:-.}/$1" ];then p_w=${p_d:-.}/$1;break;fi;done;unset IFS;set +f;[ "$p_w" ];}"#;

/// Whether files can be parted by the environment of cat; then `p_B` is its command.
const PARTED: &str = r#"B(){ [ "$p_B" ]&&return;[ -r /proc/self/environ ]&&W env&&p_e=$p_w&&W cat&&p_B="$p_e -i S=$p_K $p_w";}
p_s=/proc/self/environ"#;

/// Files: what they are (a), which of them are read, and how (b), and what is in them. Only
/// regular files of bearable size are opened.
const FILES: &str = r#"r(){ p_i=$1;shift
p_x=$(stat -L -c '%s %f %n' -- "$@");p_r=$?;printf '%s\n' "$p_x";m a $p_r
p_t=;set -f;IFS='
';for p_d in $p_x;do p_d=${p_d%% *};case $p_d in ''|*[!0-9]*|?????????*)p_t=1;;*)[ $p_d -le @CAP@ ]||p_t=1;;esac;done;unset IFS;set +f
p_l=P;B||p_l=F;p_n=$#
while [ $p_n -gt 0 ];do p_p=$1;shift;p_n=$((p_n-1))
if [ -f "$p_p" ]&&{ [ -z "$p_t" ]||z "$p_p";};then p_l=${p_l}1;if [ "$p_B" ];then set -- "$@" "$p_p" $p_s;else set -- "$@" "$p_p";fi;else p_l=${p_l}0;fi;done
printf %s "$p_l";m b 0;p_r=0
if [ $# -gt 0 ];then if [ "$p_B" ];then $p_B -- "$@";p_r=$?;else for p_p do cat -- "$p_p";m c $?;done;fi;fi;m $p_i $p_r;}
z(){ p_z=$(stat -L -c %s -- "$1" 2>/dev/null);case $p_z in ''|*[!0-9]*|?????????*)return 1;;esac;[ $p_z -le @CAP@ ];}"#;

/// The fields of an inode. Labels are asked for only where there are any: stat(1) takes
/// their lack for an error.
const FIELDS: &str =
    r#"p_f='%f %u %g %s %Y %h %i %d - %n';[ -e /sys/fs/selinux/enforce ]&&p_f='%f %u %g %s %Y %h %i %d %C %n'"#;

/// Paths: their inodes (a), which have an ACL (b); of links the targets (c), texts (d),
/// canonical paths (e).
const STAT: &str = r#"s(){ p_i=$1;shift
stat -c "$p_f" -- "$@";m a $?
p_x=$(ls -dgoUq --time-style=+ -- "$@" 2>/dev/null);case $p_x in *+*)printf '%s\n' "$p_x";;esac;m b $?
p_n=$#;while [ $p_n -gt 0 ];do p_p=$1;shift;p_n=$((p_n-1));[ -L "$p_p" ]&&set -- "$@" "$p_p";done
if [ $# -gt 0 ];then stat -L -c "$p_f" -- "$@";m c $?
p_x=$(ls -dgoUqL --time-style=+ -- "$@" 2>/dev/null);case $p_x in *+*)printf '%s\n' "$p_x";;esac;m f $?
readlink -z -- "$@" 2>/dev/null||{ m x 0;for p_p do readlink -nv -- "$p_p";printf '\000';done;};m d 0
p_n=$#;while [ $p_n -gt 0 ];do p_p=$1;shift;p_n=$((p_n-1));[ -e "$p_p" ]&&set -- "$@" "$p_p";done
if [ $# -gt 0 ];then readlink -z -f -- "$@" 2>/dev/null||{ m x 0;for p_p do readlink -f -n -- "$p_p";printf '\000';done;};fi;m e 0
fi;m $p_i 0;}"#;

/// The names in a directory with letters for what they are, by globbing: no fork.
const LIST: &str = r#"l(){ if ! [ -d "$2" ];then stat -L -c %f -- "$2";m $1 n;return;fi
[ -r "$2" ]||{ m $1 r;return;};[ -x "$2" ]||{ m $1 x;return;};p_n=0
for p_e in "$2"/* "$2"/.[!.]* "$2"/..?*;do
if [ -L "$p_e" ];then p_t=l;elif [ -f "$p_e" ];then p_t=f;elif [ -d "$p_e" ];then p_t=d;elif [ -p "$p_e" ];then p_t=p;elif [ -S "$p_e" ];then p_t=s;elif [ -c "$p_e" ];then p_t=c;elif [ -b "$p_e" ];then p_t=b;else continue;fi
printf '%s%s\000' $p_t "${p_e##*/}";p_n=$((p_n+1));[ $p_n -gt @ENTRIES@ ]&&break;done;m $1 0;}"#;

const FLAGS: &str = r#"f(){ p_p=$2;stat -L -c %f -- "$p_p";m a $?;p_r=0
if [ -f "$p_p" ]||[ -d "$p_p" ];then [ -L "$p_p" ]&&p_p=$(readlink -f -- "$p_p");lsattr -d -- "$p_p";p_r=$?;fi;m $1 $p_r;}"#;

const WHICH_ALL: &str = r#"w(){ p_i=$1;shift;for p_p do W "$p_p"&&printf %s "$p_w";printf '\000';done;m $p_i 0;}"#;

/// Whether nsswitch.conf(5) names a service for a database that is no file.
const GETENT: &str = r#"N(){ p_x=/etc/nsswitch.conf;[ -e $p_x ]||p_x=/usr/etc/nsswitch.conf;p_y=
while read -r p_a p_b;do case $p_a in $1:|$1)p_y=$p_b;break;;$1:*)p_y="${p_a#*:} $p_b";break;;esac;done 2>/dev/null <$p_x
set -f;for p_d in $p_y;do case $p_d in \#*)break;;files|compat|systemd|altfiles|:|*=*|\[|\]);;*)set +f;return 0;;esac;done;set +f;return 1;}
g(){ p_i=$1 p_t=$2 p_k=$3;shift 3;N $p_k||{ m $p_i files;return;}
if [ $p_t = 1 ];then getent $p_k;m a $?;fi;p_r=0;if [ $# -gt 0 ];then getent $p_k "$@";p_r=$?;fi;m $p_i $p_r;}"#;

const INTERFACES: &str = r#"n(){ for p_e in /sys/class/net/*;do [ -r "$p_e/ifindex" ]||continue;printf %s "${p_e##*/}"
for p_f in ifindex flags mtu addr_len speed address;do p_v=;read -r p_v <"$p_e/$p_f";printf ' %s' "${p_v:--}";done;echo;done 2>/dev/null;m a 0
if W ip;then ip -o addr show;m b $?;m $1 ip;elif W ifconfig;then ifconfig -a;m b $?;m $1 ifconfig;else m $1 none;fi;}"#;

/// Whether other users' processes can be seen.
const HIDDEN: &str = r#"H(){ [ -e /proc/1 ]&&return 1;if [ -e /proc/self ];then m $1 hidden;else m $1 noproc;fi;}"#;

/// For each process its stat and command line and, where there are labels, its label.
const PROCESSES: &str = r#"p(){ H $1&&return;B||{ m $1 noenv;return;}
p_v=;read -r p_v 2>/dev/null </proc/self/attr/current;p_l=
for p_e in /proc/[0-9]*;do p_l="$p_l $p_e/stat $p_e/cmdline $p_s${p_v:+ $p_e/attr/current $p_s}";done
$p_B /proc/self/auxv $p_s $p_l;m a ${p_v:+l}0
grep -s -e ^Uid: -e ^btime /proc/stat /proc/[0-9]*/status;m $1 $?;}"#;

/// The sockets all processes hold, and the names of these.
const OWNERS: &str = r#"o(){ H $1&&return;if G;then find /proc/[0-9]*/fd -lname 'socket:*' -printf '%p -> %l\n';else ls -ln /proc/[0-9]*/fd;fi;m a $?;grep -s '' /proc/[0-9]*/comm;m $1 $?;}"#;

/// Becomes a command, in a session of its own where setsid(1) is: all of it can be killed.
const BECOME: &str = r#"E(){ case $1 in */*)[ -e "$1" ]||{ printf '%s: not found\n' "$1" >&2;exit 127;};if ! [ -f "$1" ]||! [ -x "$1" ];then printf '%s: permission denied\n' "$1" >&2;exit 126;fi;;*)W "$1"||{ printf '%s: not found\n' "$1" >&2;exit 127;};;esac
exec $p_S "$@";}
W setsid;p_S=$p_w"#;

/// Waits for a command of the given tag, limit in seconds and process, and kills it and
/// what it started when its time is up. The watch is never left behind. ksh gives 256 and the
/// number of a signal. A plus sign says that the command left processes behind, which may
/// still write to where it wrote. Not every sleep(1) takes fractions. The trap asks for
/// `$!`, which is that of the command until there is a sleep, because it may run before any
/// other variable is set; and it kills for certain, because a sleep that is not one yet
/// still has the handler of the shell.
const AWAIT: &str = r#"R(){ (trap '[ "$!" = $3 ]||kill -9 $!;exit 0' TERM;sleep $2&wait $!||{ sleep $((${2%.*}+1))&wait $!;}||exit 0;trap '' TERM;kill -9 -$3||kill -9 $3;exit 99) >/dev/null 2>&1 &p_w=$!
wait $3 2>/dev/null;p_r=$?;[ $p_r -gt 256 ]&&p_r=$((p_r-128));kill $p_w 2>/dev/null;wait $p_w 2>/dev/null;[ $? = 99 ]&&[ $p_r = 137 ]&&p_r=T
p_l=;[ "$p_S" ]&&[ $p_r != T ]&&kill -0 -$3 2>/dev/null&&p_l=+;m $1 $p_r$p_l;}"#;

/// Whether find(1) prints what it is told to.
const FIND: &str = r#"G(){ [ "$p_G" ]||{ find / -maxdepth 0 -printf '' 2>/dev/null;p_G=$?;};[ $p_G = 0 ];}"#;

/// Netcat is told to hang up at once, each kind in its own way.
const CONNECT: &str = r#"c(){ if W bash;then m a bash;(E bash -c 'exec 3<>"/dev/tcp/$0/$1"' "$3" "$4")&
R $1 $2 $!;elif W curl;then m a curl;(E curl -q -sSv --connect-timeout $5 "telnet://$6:$4" >/dev/null)&
R $1 $2 $!;elif W nc;then m a nc;case $(nc -h 2>&1) in *z\]*)p_x=-zvw p_y=;;*-z*)p_x=-zw p_y=;;*)p_x=-w p_y='-e true';;esac
(E nc $p_x $5 "$3" "$4" $p_y >/dev/null)&
R $1 $(($5+2)) $!;else m a none;m $1 0;fi;}"#;

const LOOKUP: &str = r#"k(){ if W getent;then (E getent ahosts "$3")&
R a $2 $!;else p_r=127;m a 127;fi;case $p_r in 2|127)if W nslookup;then (E nslookup "$3")&
R b $2 $!;fi;;esac;m $1 $p_r;}"#;

/// The functions a script needs, each once and in their order.
pub(super) fn functions(steps: &[Step]) -> Vec<&'static str> {
    let mut needed = Vec::new();
    for step in steps {
        let these: &[&str] = match step {
            Step::Hello => &[MARK],
            Step::Stat(_) => &[FIELDS, STAT],
            Step::Files(_) => &[WHICH, PARTED, FILES],
            Step::Getent { .. } => &[GETENT],
            Step::Uname(_) | Step::Environment(_) => &[],
            Step::Which(_) => &[WHICH, WHICH_ALL],
            Step::Interfaces(_) => &[WHICH, INTERFACES],
            Step::Processes(_) => &[WHICH, PARTED, HIDDEN, PROCESSES],
            Step::SocketOwners(_) => &[FIND, HIDDEN, OWNERS],
            Step::List(_) => &[LIST],
            Step::Flags(_) => &[FLAGS],
            Step::Walk(_) => &[FIND, WHICH, BECOME, AWAIT],
            Step::Lookup(_) => &[WHICH, BECOME, AWAIT, LOOKUP],
            Step::Connect(_) => &[WHICH, BECOME, AWAIT, CONNECT],
            Step::Http(_) | Step::Run(_) => &[WHICH, BECOME, AWAIT],
        };
        for function in these {
            if !needed.contains(function) {
                needed.push(function);
            }
        }
    }
    needed
}
