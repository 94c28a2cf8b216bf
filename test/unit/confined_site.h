/*
 * What tests of the confined program share beside a devcluster: a network and a mount namespace of
 * their own, in which a server on port 53 knows the API server by its name in a cluster, and how
 * the program ended. Included by those tests.
 */
#ifndef TEST_UNIT_CONFINED_SITE_H
#define TEST_UNIT_CONFINED_SITE_H

#include <arpa/inet.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>

#include "test/hard/confine.h"
#include "test/unit/devcluster_site.h"

#define SKIPPED 77
#define PROFILE SOURCE_DIR "/config/components/seccomp/autoscaler-keda-hpa.json"
#define KNATIVE_UID 65532
#define POD_RESOLV_CONF                                                                            \
	"nameserver 127.0.0.1\n"                                                                   \
	"search knative-serving.svc.cluster.local svc.cluster.local cluster.local\n"               \
	"options ndots:5\n"

/* ---- a network of its own, with names ---- */

/* A and AAAA of one name, all others do not exist (RFC 1035 4.1). */
static void answer_names(int fd)
{
	static const char name[] = "\012kubernetes\007default\003svc\007cluster\005local";
	static const char address[] = "\xc0\x0c\0\1\0\1\0\0\0\5\0\4\x7f\0\0\1";
	struct sockaddr_in from;
	unsigned char text[512];
	for (;;) {
		socklen_t size = sizeof(from);
		ssize_t got = recvfrom(fd, text, sizeof(text) - sizeof(address), 0,
				       (struct sockaddr *)&from, &size);
		size_t end = 12;
		while (got > 0 && end < (size_t)got && text[end])
			end += text[end] + 1u;
		if (got <= 0 || (end += 5) > (size_t)got)
			continue;
		bool known = end == 16 + sizeof(name) && memcmp(text + 12, name, sizeof(name)) == 0;
		bool has_address = known && text[end - 3] == 1;
		memcpy(text + 2, known ? "\x81\x80" : "\x81\x83", 2);
		memcpy(text + 4, has_address ? "\0\1\0\1\0\0\0\0" : "\0\1\0\0\0\0\0\0", 8);
		memcpy(text + end, address, sizeof(address) - 1);
		sendto(fd, text, end + (has_address ? sizeof(address) - 1 : 0), 0,
		       (struct sockaddr *)&from, size);
	}
}

static pid_t serve_names(void)
{
	const struct sockaddr_in here = {.sin_family = AF_INET,
					 .sin_port = htons(53),
					 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	CHECK(fd >= 0 && bind(fd, (const struct sockaddr *)&here, sizeof(here)) == 0);
	pid_t pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		answer_names(fd);
	}
	close(fd);
	return pid;
}

static bool write_text(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");
	return file && fputs(text, file) >= 0 && fclose(file) == 0;
}

/* Neither the network nor mounts are anybody else's from now on; /etc/resolv.conf is this file. */
static bool isolate(const char *resolv_conf)
{
	struct ifreq loopback = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	if (geteuid() != 0 || unshare(CLONE_NEWNET | CLONE_NEWNS) != 0 ||
	    mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
		return false;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool ok = ioctl(fd, SIOCSIFFLAGS, &loopback) == 0 &&
		  write_text(resolv_conf, POD_RESOLV_CONF) &&
		  mount(resolv_conf, "/etc/resolv.conf", NULL, MS_BIND, NULL) == 0;
	close(fd);
	return ok;
}

/* ---- what a pod is given ---- */

static char *from_kubeconfig(struct site *site, const char *behind, const char *allowed)
{
	size_t length;
	const char *path = arena_printf(site->arena, "%s/kubeconfig", site->dir);
	char *text = test_read_file(path, &length);
	const char *found = strstr(text, behind);
	CHECK(found);
	found += strlen(behind);
	char *out = arena_strndup(site->arena, found,
				  allowed ? strspn(found, allowed) : strcspn(found, "\n\" "));
	free(text);
	return out;
}

static char *token_of(struct site *site)
{
	return from_kubeconfig(site, "token: ", NULL);
}

static char *port_of(struct site *site)
{
	return from_kubeconfig(site, "127.0.0.1:", "0123456789");
}

/* ---- the program ---- */

static bool runs(const struct site *site)
{
	siginfo_t info = {0};
	return waitid(P_PID, (id_t)site->program, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
	       info.si_pid == 0;
}

/* What ended the program: its exit code, or minus a signal; SIGKILL: it had to be ended. */
static int how_it_ended(struct site *site)
{
	int status = 0;
	int64_t until = now_ms() + WAIT_MS;
	while (runs(site) && now_ms() < until)
		pass_time(site, 20);
	kill(site->program, SIGKILL);
	CHECK(waitpid(site->program, &status, 0) == site->program);
	site->program = 0;
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static const char *words(struct site *site)
{
	size_t length;
	char *text = test_read_file(arena_printf(site->arena, "%s/program", site->dir), &length);
	const char *out = arena_strdup(site->arena, text);
	free(text);
	return out;
}

static int confined_main(int argc, char **argv, const struct test_case *cases, size_t count)
{
	char resolv_conf[] = "/tmp/akh-resolv-XXXXXX";
	close(mkstemp(resolv_conf));
	chmod(resolv_conf, 0644);
	if (!isolate(resolv_conf)) {
		unlink(resolv_conf);
		fputs("skipped: only root can make namespaces and change the user\n", stderr);
		return SKIPPED;
	}
	pid_t names = serve_names();
	int code = test_main(argc, argv, cases, count);
	kill(names, SIGKILL);
	waitpid(names, NULL, 0);
	unlink(resolv_conf);
	return code;
}

#endif
