/* SPDX-License-Identifier: BSD-2-Clause */
/* A daemon for test_cli.c: a process that takes one question on a socket, gives the one answer it knows, and ends. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli_plane.h"

/** Listens on path and forks. Exit status 0 if the question was want. */
static pid_t daemon_begin(const char *path, const char *want, const char *reply)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), peer;
	char got[4096] = "";
	size_t n = 0;
	pid_t pid;

	strcpy(addr.sun_path, path);
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(listen(fd, 1), 0);
	pid = fork();
	if (pid) {
		close(fd);
		return pid;
	}
	peer = accept(fd, NULL, NULL);
	while (n < sizeof(got) - 1 && !memchr(got, '\n', n)) {
		ssize_t len = read(peer, got + n, sizeof(got) - 1 - n);

		if (len <= 0)
			_exit(1);
		n += len;
	}
	/* in two pieces, as a stream may come */
	if (write(peer, reply, strlen(reply) / 2) < 0 ||
	    write(peer, reply + strlen(reply) / 2, strlen(reply) - strlen(reply) / 2) < 0)
		_exit(1);
	if (strcmp(got, want))
		fprintf(stderr, "asked %sinstead of %s", got, want ? want : "nothing");
	_exit(strcmp(got, want) != 0);
}

/** Runs a line against the daemon; the question must be want. */
static struct answer converse(const char *line, const char *want, const char *reply)
{
	char dir[] = "/tmp/xm_test_cli_XXXXXX", path[64];
	struct answer a;
	int status;
	pid_t pid;

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/s", dir);
	pid = daemon_begin(path, want, reply);
	a = run_on(path, &plane, line);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	unlink(path);
	rmdir(dir);
	if (status)
		fail_msg("\"%s\": another question was asked", line);
	return a;
}
