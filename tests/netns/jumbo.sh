# SPDX-License-Identifier: BSD-2-Clause
# MTU 9000: frames lie in several buffers, the program that says it can is chosen, and what is carried arrives whole.
LAB_MTU=9000
. "$SRC/tests/lab/lab.sh"
lab_init
lab_two_armed 2
for i in 1 2; do nginx_start $i; done
config "$(service web 80 tcp -- 1 2)"
daemon_start

is "program of the devices" "native true native true" "$(xdpmesh -j net show | jq -r '[.[] | .mode, .frags] | join(" ")')"
head -c 20000000 /dev/urandom >"$LAB/www/blob"
in_ns client curl -sf -m 30 "http://$VIP/files/blob" | cmp - "$LAB/www/blob" || fail "the download differs"
in_ns client curl -sf -m 30 -T "$LAB/www/blob" "http://$VIP/files/up" || fail "the upload failed"
cmp "$LAB/www/blob" "$LAB/www/up" || fail "the upload differs"
is "answers" 20 "$(names 20 | grep -c '^b[12]$')"

# by XDP, in large frames
[ "$(verdict reply_redirect)" -gt 2000 ] || fail "replies did not go by redirect: $(verdict reply_redirect)"
bytes=$(xdpmesh -j service show web | jq '[.[0].backends[].reply_bytes] | add')
each=$(xdpmesh -j service show web |
	jq '[.[0].backends[] | select(.reply_bytes > 10000000) | .reply_bytes / .reply_packets | floor] | max')
[ "$bytes" -gt 20000000 ] || fail "bytes of replies: $bytes"
[ "$each" -gt 3000 ] || fail "frames were not large: $each bytes a reply"
is "packets through the stack" 0 $(($(verdict forward_stack) + $(verdict reply_stack)))
