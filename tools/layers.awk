# SPDX-License-Identifier: BSD-2-Clause
# Do includes point one way? Run from the top: awk -f tools/layers.awk FILE... Prints what does not, and exits 1.
#
#     include <- bpf
#     include <- base <- mesh, batch, plane, source, probe, sink <- daemon
#                base, plane <- cli, exporter
#
# mesh and plane never include each other: what should be is decided apart from how the kernel is told.
# Beyond the picture:
#   source -> mesh                 a source makes mesh's specification
#   cli -> user/mesh/words.h       the words of a state are the same everywhere
#   cli -> user/source/config.h    the command checks a configuration without a daemon
# Headers named *_private.h and *_int.h belong to their folder. Nothing includes tests or tools, they may include anything.

BEGIN {
	may["include"] = "include"
	may["bpf"] = "bpf include"
	may["base"] = "base include"
	may["mesh"] = "mesh base include"
	may["batch"] = "batch base include"
	may["plane"] = "plane base include"
	may["source"] = "source mesh base include"
	may["probe"] = "probe base include"
	may["sink"] = "sink base include"
	may["daemon"] = "daemon mesh batch plane source probe sink base include"
	may["cli"] = "cli plane base include"
	may["exporter"] = "exporter plane base include"
	one["cli", "user/mesh/words.h"] = 1
	one["cli", "user/source/config.h"] = 1
}

# layer_of(PATH): the folder of user/, or the top folder.
function layer_of(path,    part, n)
{
	n = split(path, part, "/")
	if (n > 2 && part[1] == "user")
		return part[2]
	return n > 1 ? part[1] : "top"
}

# folder_of(PATH): with its slash.
function folder_of(path)
{
	sub(/[^\/]*$/, "", path)
	return path
}

# resolve(FILE, NAME): what a quoted include means, from the top.
function resolve(file, name,    path)
{
	if (name ~ /^(user|bpf|include|tools|tests)\//)
		return name
	path = folder_of(file) name
	gsub(/\/\.\//, "/", path)
	while (sub(/[^\/]+\/\.\.\//, "", path))
		;
	return path
}

function allowed(from, path,    to, list, n, i)
{
	to = layer_of(path)
	if (one[from, path])
		return 1
	n = split(may[from], list, " ")
	for (i = 1; i <= n; i++)
		if (list[i] == to)
			return 1
	return 0
}

function fault(text)
{
	printf "%s:%d: %s\n", FILENAME, FNR, text
	bad = 1
}

FNR == 1 {
	sub(/^\.\//, "", FILENAME)
	from = layer_of(FILENAME)
	leaf = from == "tests" || from == "tools"
	if (!leaf && !(from in may))
		fault("folder " from " has no row in tools/layers.awk")
}

!/^[ \t]*#[ \t]*include[ \t]/ || leaf || !(from in may) {
	next
}

{
	name = $0
	sub(/^[ \t]*#[ \t]*include[ \t]*/, "", name)
	quoted = name ~ /^"/
	name = substr(name, 2)
	sub(/[>"].*/, "", name)
}

# made by the build: the kernel's types are bpf's, a skeleton is plane's
name ~ /vmlinux\.h$/ {
	if (from != "bpf" && FILENAME != "include/xdpmesh/types.h")
		fault(from " includes " name ", which is for bpf")
	next
}

name ~ /\.skel\.h$/ {
	if (from != "plane")
		fault(from " includes " name ", which is for plane")
	next
}

{
	if (name ~ /^xdpmesh\//)
		path = "include/" name
	else if (quoted)
		path = resolve(FILENAME, name)
	else
		next
	if (!allowed(from, path))
		fault(from " includes " path ", it may include: " may[from])
	else if (path ~ /_(private|int)\.h$/ && folder_of(path) != folder_of(FILENAME))
		fault(path " belongs to the files of its folder")
}

END {
	exit bad
}
