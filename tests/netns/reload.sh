# SPDX-License-Identifier: BSD-2-Clause
# The configuration changes under load, again and again, and no connection fails to stand. A bad file is refused with its place and
# changes nothing.
. "$SRC/tests/lab/lab.sh"
lab_init
lab_two_armed 3
for i in 1 2 3; do peer_start b$i echo 9000 b$i; done
for i in 1 2 3; do until_true 10 "b$i listens" listens b$i 9000; done
PORT=9000
config "$(service web 80 tcp -- 1 2)"
daemon_start
touch "$LAB/asking"
peer client ask $VIP 80 "$LAB/asking" >"$LAB/asked" & asker=$!
until_true 10 "connections" total_above web connections 20

for i in $(seq 10); do
	case $((i % 5)) in
	1) config "$(service web 80 tcp -- 1:50 2:100 3:200)" ;;
	2) config "$(service web 80 tcp -- 2 3)" ;;
	3) config "$(service web 80 tcp 'balance: round-robin' -- 1 2 3)
$(service other 81 tcp -- 1)" ;;
	4) config "$(service web 80 tcp -- 1:1 3:5)" ;;
	0) config "$(service web 80 tcp -- 1 2)" ;;
	esac
	applied=$(xdpmesh -j config apply) || fail "apply $i: $applied"
	is "generation of apply $i" $((i + 1)) "$(say "$applied" | jq .generation)"
	want=$(sed -n 's/.*address: 10.2.0.1\([0-9]\), .*weight: \([0-9]*\) .*/\1:\2/p' "$LAB/xdpmesh.yaml" | head -n "$(xdpmesh -j service show web | jq '.[0].backends | length')" | tr '\n' ' ')
	is "backends after apply $i" "$want" "$(xdpmesh -j service show web | jq -r '.[0].backends[] | "\(.address[-1:]):\(.weight)"' | tr '\n' ' ')"
	seen=$(total web connections)
	until_true 10 "connections after apply $i" total_above web connections $((seen + 20))
done
again=$(xdpmesh -j config apply)
is "an apply of what runs" "11 0 0 0" "$(say "$again" | jq -r '"\(.generation) \(.services) \(.backends) \(.moved)"')"

# a bad file: by command and by signal
good=$(shape)
bad() {
	_what=$1; shift
	_rc=0; _out=$(xdpmesh -j config apply "$LAB/bad.yaml") || _rc=$?
	is "exit status of an apply of $_what" 1 "$_rc"
	for _word; do
		say "$_out" | jq -r '.error | [.message, .object, .value, .limit] | join(" ")' | grep -qF -- "$_word" || fail "$_what: no \"$_word\" in $_out"
	done
	is "the generation after $_what" 11 "$(generation)"
	is "services after $_what" "$good" "$(shape)"
}
sed 's/weight: 100 }/weight: 70000 }/' "$LAB/xdpmesh.yaml" >"$LAB/bad.yaml"
bad "a weight" "bad.yaml:$(grep -n -m 1 70000 "$LAB/bad.yaml" | cut -d: -f1)" weight 70000 65535
sed 's/protocol: tcp/protocol: tpc/' "$LAB/xdpmesh.yaml" >"$LAB/bad.yaml"
bad "a word" "bad.yaml:$(grep -n -m 1 tpc "$LAB/bad.yaml" | cut -d: -f1)" protocol tpc "tcp | udp"
sed 's/    port: 80$/    prot: 80/' "$LAB/xdpmesh.yaml" >"$LAB/bad.yaml"
bad "a key" "bad.yaml:$(grep -n -m 1 prot: "$LAB/bad.yaml" | cut -d: -f1)" prot port
{ cat "$LAB/xdpmesh.yaml"; service again 80 tcp -- 3; } >"$LAB/bad.yaml"
bad "a place taken twice" again web
sed 's/10.2.0.12/10.200.1.1/' "$LAB/xdpmesh.yaml" >"$LAB/bad.yaml"
bad "a backend that is a VIP" 10.200.1.1
sed 's/name: back,/name: nodev9,/' "$LAB/xdpmesh.yaml" >"$LAB/bad.yaml"
bad "a device that is not there" nodev9
is "devices attached" '["back","front"]' "$(xdpmesh -j net show | jq -c 'map(.device)')"
head -c 300 /dev/urandom >"$LAB/bad.yaml"
bad "no YAML" bad.yaml
rm "$LAB/bad.yaml"
_rc=0; xdpmesh -j config apply "$LAB/bad.yaml" >"$LAB/out" || _rc=$?
is "exit status of a file that is not there" 1 $_rc
cp "$LAB/xdpmesh.yaml" "$LAB/good.yaml"
printf 'services: [\n' >"$LAB/xdpmesh.yaml"
kill -HUP "$DAEMON"
until_true 10 "the reload is refused" log_has "nothing was changed"
is "services after a refused reload" "$good" "$(shape)"

seen=$(total web connections)
until_true 10 "connections at the end" total_above web connections $((seen + 20))
rm "$LAB/asking"
wait $asker
cat "$LAB/asked"
is "connections that failed" "failed 0" "$(grep ^failed "$LAB/asked")"
is "backends that answered" 3 "$(grep -c '^b' "$LAB/asked")"
