#!/usr/bin/env sh
":" //; [ $$ = 1 ] || exec node -- "$0" "$@"
":" //; node -- "$0" "$@" <&0 & pid=$!
":" //; for s in HUP INT QUIT TERM USR1 USR2 TTIN TTOU; do trap "kill -$s $pid" $s; done
":" //; while wait $pid; code=$?; kill -0 $pid 2>/dev/null; do :; done; exit $code
// The shell runs the lines above, Node skips them. Without the `--`, Node would take options of ours for its own. As
// process 1, that of a container, the shell stays: it hands signals on and reaps the orphans, which Node cannot.
import "../dist/cli.cjs";
