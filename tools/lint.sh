#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# What a machine can check of the style: run from the top, `tools/lint.sh` for all or `tools/lint.sh NAME...` for some.
# A line a check, what was found below it; exit 1 if one failed. BUILD names the folder with the skeletons.
set -u

BUILD=${BUILD:-build}
CC=${CC:-cc}
CLANG=${CLANG:-clang}
SHOWN=${SHOWN:-20} # findings that are printed of one check

passed=0 failed=0 skipped=0
out=$(mktemp -d) || exit 1
trap 'rm -rf "$out"' EXIT

# files NAME...: ours with such names, from the top; not what the build made
files()
{
	expr=
	for pattern; do
		expr="$expr${expr:+ -o} -name $pattern"
	done
	set -f
	find . \( -name .git -o -path "./${BUILD#./}" -o -name build \) -prune -o \
		-type f \( $expr \) ! -name '*.skel.h' -print | sed 's|^\./||' | sort
	set +f
}

has()
{
	command -v "$1" >/dev/null || {
		echo "$1 is not installed: tools/deps.sh"
		return 77
	}
}

# a check prints what it found and returns 0; 77 is skipped. Nothing printed is passed.
check()
{
	name=$1
	about=$2
	"check_$name" >"$out/found" 2>&1
	rc=$?
	n=$(wc -l <"$out/found")
	if [ $rc = 77 ]; then
		skipped=$((skipped + 1))
		printf 'SKIP  %-9s %s\n' "$name" "$(head -n 1 "$out/found")"
	elif [ $rc = 0 ] && [ "$n" = 0 ]; then
		passed=$((passed + 1))
		printf 'ok    %-9s %s\n' "$name" "$about"
	else
		failed=$((failed + 1))
		printf 'FAIL  %-9s %s: %d findings\n' "$name" "$about" "$n"
		head -n $SHOWN "$out/found" | sed 's/^/      /'
		[ "$n" -le $SHOWN ] || echo "      and $((n - SHOWN)) more: SHOWN=$n tools/lint.sh $name"
	fi
}

check_format()
{
	has clang-format || return
	clang-format --dry-run -Werror $(files '*.c' '*.h' | grep -v '^vmlinux/') 2>&1 | awk -F: '
		/: error: code should be clang-formatted/ { first[$1] = $1 in first ? first[$1] : $2; n[$1]++; next }
		/: error: |^Error|^clang-format/ { print }
		END { for (f in n) print f ": " n[f] " places, first in line " first[f] }' | sort -u
}

check_layers()
{
	awk -f tools/layers.awk $(files '*.c' '*.h' | grep '^user/\|^bpf/\|^include/')
}

# alone COMMAND...: each header on the input, included by an empty file
alone()
{
	xargs -P "$(nproc)" -I HEADER sh -c 'h=$0
		said=$(echo "#include \"$h\"" | "$@" -fsyntax-only -I. -Iinclude -x c - 2>&1) && exit
		echo "$h: $(echo "$said" | grep -m 1 "error:" || echo "$said" | head -n 1)"' HEADER "$@"
}

check_headers()
{
	has "$CC" && has "$CLANG" || return
	files '*.h' >"$out/headers"
	grep '^include/\|^user/\|^tools/\|^tests/' "$out/headers" |
		alone "$CC" -std=gnu11 -Wall -Wextra -Werror "-I$BUILD"
	grep '^include/\|^bpf/\|^vmlinux/' "$out/headers" |
		alone "$CLANG" -target bpf -mcpu=v3 -O2 -Wall -Werror -Ivmlinux
}

# It does not read the libraries' headers: those of their macros that look like no C are told. Arithmetic on void pointers
# is one of the GNU extensions that we use.
check_cppcheck()
{
	has cppcheck || return
	cat >"$out/macros.h" <<'END'
#define SEC(name)
#define LIBBPF_OPTS(type, name, ...) struct type name = { __VA_ARGS__ }
#define bpf_object__for_each_program(prog, object) while ((prog = bpf_object__next_program(object, prog)))
#define json_array_foreach(array, i, value) for (i = 0; (value = json_array_get(array, i)); i++)
#define json_object_foreach(object, key, value) while ((value = json_object_next(object, &key)))
#define mnl_attr_for_each(attr, head, offset) while ((attr = mnl_attr_next_of(attr, head, offset)))
END
	cppcheck --quiet --enable=warning,portability --inline-suppr --error-exitcode=1 --std=c11 --platform=unix64 \
		--suppress=arithOperationsOnVoidPointer -j "$(nproc)" -I. -Iinclude -Ivmlinux --include="$out/macros.h" \
		--template='{file}:{line}: {id}: {message}' user tools
}

check_printk()
{
	grep -n 'bpf_printk' $(files '*.c' '*.h') /dev/null
	:
}

# one switch is allowed: which types a header of both sides takes
check_ifs()
{
	awk '/^[ \t]*#[ \t]*(if|ifdef|ifndef|elif|else|endif|error|warning|line)/ {
		if (FILENAME == "include/xdpmesh/types.h" && ($0 == "#ifdef __bpf__" || seen++ < 2 && /else|endif/))
			next
		print FILENAME ":" FNR ": " $0
	}' $(files '*.c' '*.h')
}

check_sizes()
{
	awk 'FNR == 1 { begin = 0 }
	/^{/ { begin = FNR; name = last }
	/^}/ && begin {
		if (FNR - begin + 1 > 60)
			print FILENAME ":" begin ": " FNR - begin + 1 " lines, 60 are allowed: " name
		begin = 0
	}
	{ last = $0 }
	FNR == 401 { print FILENAME ": more than 400 lines" }' $(files '*.c' '*.h' '*.sh' '*.awk' '*.py' | grep -v '^tests/')
}

# a program for the kernel may be GPL too, wherever it stands
check_licence()
{
	awk -v both='GPL-2.0-only OR BSD-2-Clause' '
	FNR == 1 { is[FILENAME] = "nothing" }
	FNR <= 2 && sub(/.*SPDX-License-Identifier: /, "") {
		sub(/ *(\*\/|-->).*/, "")
		is[FILENAME] = $0
	}
	END {
		for (f in is) {
			want = f ~ /^(bpf|include|vmlinux)\// || f ~ /\.bpf\.c$/ && is[f] == both ? both : "BSD-2-Clause"
			if (is[f] != want)
				print f ": line 1 or 2 must say SPDX-License-Identifier: " want ", not: " is[f]
		}
	}' $(files '*.c' '*.h' '*.sh' '*.awk' '*.py' '*.mk' Makefile .clang-format) | sort
}

# brackets, so that this file does not find itself
check_marks()
{
	grep -rnIE '\b(TO[D]O|FIX[M]E|XX[X])\b|\bshare[d]/' . --exclude-dir=.git --exclude-dir=build --exclude-dir="${BUILD##*/}"
	:
}

[ -f tools/lint.sh ] || {
	echo "lint: run it from the top of the tree" >&2
	exit 2
}
while read -r name about; do
	case " ${*:-$name} " in
	*" $name "*) check "$name" "$about" ;;
	esac
done <<'END'
format as .clang-format says
layers includes point one way
headers each header compiles alone
cppcheck warnings and portability
printk no bpf_printk
ifs no #if in code
sizes files <= 400 lines, functions <= 60
licence SPDX line in each source file
marks no marks of unfinished work
END
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed = 0 ]
