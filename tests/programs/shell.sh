# Debian's bash, make, perl and gawk: what these print must be the same here and on Linux.
export LC_ALL=C
section() { echo "== $*"; }
section here-documents
cat <<X
a $((1 + 2)) $(echo sub)
X
sort <<<"one"
section process substitution
cat <(echo hi) <(seq 3)
cat 3<<<"by number" </dev/fd/3
exec 3< <(:); sleep .2; cat </dev/fd/3; exec 3<&-
section traps
(trap 'echo got USR1' USR1; kill -USR1 $BASHPID; trap 'echo bye' EXIT; exit 3); echo $?
bash -c 'trap "echo T; exit 4" TERM; (sleep .2; kill $$) & wait; echo no'; echo $?
bash -c 'trap "echo chld" CHLD; /bin/true & wait'
section wait
sleep 1 & sleep .1 & p=$!
(exit 7) & wait -n; echo $?
wait -n -p who; echo $? $((who == p)); wait
section limits
(ulimit -n 64; ulimit -n)
(ulimit -f 10; trap '' XFSZ; head -c 20000 /dev/zero >big 2>/dev/null; wc -c <big)
section job control
bash -c 'set -m; sleep 10 & sleep 20 & jobs; kill %1; wait %1; echo $?; kill -STOP %2; sleep .2; jobs
	kill -CONT %2; kill %2; wait %2; echo $?' 2>&1
section coproc
coproc C { while read -r l; do echo "<$l>"; done; }
echo hi >&"${C[1]}"; read -r x <&"${C[0]}"; echo "$x"; eval "exec ${C[1]}>&-"; wait "$C_PID"; echo $?
section scripts
printf '#!/bin/bash\nread -r c <"/proc/$$/comm"; echo "$c" "$@"\n' >named; chmod 755 named; ./named a b
printf '#!%s/named of\n' "$PWD" >nested; chmod 755 nested; ./nested c | sed "s|$PWD|.|"
section fifo
mkfifo ff; (echo through >ff &); cat ff; read -t 0.1 -r x <>ff; echo $?
section make
cat >Makefile <<'M'
all: $(foreach i,1 2 3 4 5 6 7 8 9 10,t$(i)) ; @cat $^ | sort -n
t%: ; @sleep 0.0$*; echo $* >$@
fail: ; false
.PHONY: all fail
M
make -s -j4; make -s fail 2>/dev/null; echo $?
section perl
perl -e 'pipe(R,W); $p=fork; if(!$p){close R; print W "from the child\n"; close W; exit 3} close W; print <R>;
	waitpid($p,0); print $?>>8,"\n"; $SIG{ALRM}=sub{die "alarm\n"}; eval{alarm 1; sleep 5}; print $@;
	$SIG{CHLD}=sub{$n++}; system("true"); print "kill ", kill(0,$$), "\n"; $0="renamed"; open C,"/proc/self/comm";
	print <C>;'
section gawk
seq 100000 | gawk '{ s += $1 } END { print s }'
echo "x y" | gawk '{ print $2 | "cat"; close("cat"); "echo sub" | getline v; print v }'
section a tree of 2,000 files
mkdir tree
for ((i = 0; i < 40; i++)); do mkdir tree/d$i; for ((j = 0; j < 50; j++)); do echo $i $j >tree/d$i/f$j; done; done
find tree -type f | wc -l | tr -d ' '
find tree -type f -print0 | xargs -0 -n 100 cat | sort | md5sum
tar cf - tree | gzip >t.gz; mkdir o; gzip -dc t.gz | tar xf - -C o; find o -type f | xargs cat | sort | md5sum
rm -r tree o; ls
section many children at once
for i in 1 2 3 4 5 6 7 8; do (for j in 1 2 3 4 5; do /bin/true; done) & done; wait; echo done
