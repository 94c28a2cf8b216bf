/* Certificates by openssl, servers by fork and exec. Only our own children are ever signalled. */
#include "test/lib/tls.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pkg/base/check.h"
#include "pkg/base/clock.h"
#include "test/lib/server.h"

#define WORDS_MAX 40
#define START_MS 30000

static const char make_certificates[] =
    "set -e; exec 2>make.log\n"
    "new() { name=$1; shift; openssl req -x509 -newkey ec -pkeyopt"
    " ec_paramgen_curve:prime256v1 -nodes -days 2 -keyout $name.key -out $name.crt"
    " -subj /CN=$name \"$@\"; }\n"
    "signed() { new \"$@\" -CA ca.crt -CAkey ca.key -addext basicConstraints=CA:false; }\n"
    "new ca\n"
    "new stranger\n"
    "signed server -addext subjectAltName=IP:127.0.0.1,DNS:localhost,DNS:api.test\n"
    "signed other -addext subjectAltName=DNS:other.test\n"
    "signed client -addext extendedKeyUsage=clientAuth\n";

void tls_folder_init(struct tls_folder *folder)
{
	char command[2048];
	memset(folder, 0, sizeof(*folder));
	snprintf(folder->path, sizeof(folder->path), "/tmp/tls-XXXXXX");
	CHECK(mkdtemp(folder->path));
	snprintf(command, sizeof(command), "cd %s && (%s)", folder->path, make_certificates);
	CHECK(system(command) == 0);
}

void tls_folder_release(struct tls_folder *folder)
{
	char command[128];
	snprintf(command, sizeof(command), "rm -r %s", folder->path);
	CHECK(system(command) == 0);
	for (size_t i = 0; i < ARRAY_SIZE(folder->names); i++)
		free(folder->names[i]);
}

const char *tls_path(struct tls_folder *folder, const char *name)
{
	char **path = &folder->names[folder->next++ % ARRAY_SIZE(folder->names)];
	free(*path);
	CHECK(asprintf(path, "%s/%s", folder->path, name) > 0);
	return *path;
}

static void split(char *command, char *port, char **words)
{
	size_t count = 0;
	char *rest = command;
	for (char *word; (word = strsep(&rest, " "));) {
		CHECK(count < WORDS_MAX - 1);
		words[count++] = strcmp(word, "PORT") == 0 ? port : word;
	}
	words[count] = NULL;
}

static void NORETURN become(struct tls_folder *folder, const char *log, char **words)
{
	int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(fd, STDOUT_FILENO);
	dup2(fd, STDERR_FILENO);
	if (chdir(folder->path) == 0)
		execvp(words[0], words);
	_exit(127);
}

static bool answers(const struct child *child)
{
	int64_t end = clock_mono(&system_clock) + START_MS;
	while (clock_mono(&system_clock) < end) {
		int fd = test_connect(child->port);
		if (fd >= 0) {
			close(fd);
			return true;
		}
		if (waitpid(child->pid, NULL, WNOHANG) != 0)
			return false;
		test_sleep_ms(20);
	}
	return false;
}

bool child_start(struct child *child, struct tls_folder *folder, const char *name,
		 const char *command)
{
	char text[512], port[8], log[64], *words[WORDS_MAX];
	child->port = test_free_port();
	snprintf(port, sizeof(port), "%u", child->port);
	snprintf(log, sizeof(log), "%s.log", name);
	snprintf(text, sizeof(text), "%s", command);
	split(text, port, words);
	const char *log_path = tls_path(folder, log);
	child->pid = fork();
	CHECK(child->pid >= 0);
	if (child->pid == 0)
		become(folder, log_path, words);
	if (answers(child))
		return true;
	child_stop(child);
	return false;
}

void child_signal(const struct child *child, int number)
{
	CHECK(child->pid > 0 && kill(child->pid, number) == 0);
}

void child_stop(struct child *child)
{
	if (child->pid > 0) {
		kill(child->pid, SIGKILL);
		waitpid(child->pid, NULL, 0);
	}
	child->pid = 0;
}
