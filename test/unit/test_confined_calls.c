/*
 * The shipped seccomp profile, call by call: what the program has no use for ends a process that
 * runs under it (where a test has it kill) and fails for one in a cluster; what the program needs
 * goes through. A child loads the profile, makes one raw system call and tells errno; or lets its
 * loop hang until the watchdog ends it.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pkg/base/check.h"
#include "pkg/net/loop.h"
#include "pkg/net/watchdog.h"
#include "test/hard/confine.h"
#include "test/lib/test.h"

#define PROFILE SOURCE_DIR "/config/components/seccomp/autoscaler-keda-hpa.json"
#define TEXT(text) (long)(text)
#define NOT_LOADED 250

struct call {
	const char *what;
	long number;
	long arguments[6];
	int want; /* errno of a call that the profile speaks of; 0: it succeeds */
};

static const char bytes[4096] __attribute__((aligned(4096)));
static struct clone_args clone3_args = {.exit_signal = SIGCHLD};

static const struct call forbidden[] = {
    {"ptrace", SYS_ptrace, {PTRACE_TRACEME}, 0},
    {"process_vm_readv", SYS_process_vm_readv, {1}, 0},
    {"process_vm_writev", SYS_process_vm_writev, {1}, 0},
    {"kcmp", SYS_kcmp, {1, 1}, 0},
    {"pidfd_getfd", SYS_pidfd_getfd, {0, 0}, 0},
    {"mount", SYS_mount, {TEXT("none"), TEXT("/tmp"), TEXT("tmpfs")}, 0},
    {"umount2", SYS_umount2, {TEXT("/tmp"), MNT_DETACH}, 0},
    {"move_mount", SYS_move_mount, {-1}, 0},
    {"fsopen", SYS_fsopen, {TEXT("tmpfs")}, 0},
    {"open_tree", SYS_open_tree, {-1, TEXT("/")}, 0},
    {"mount_setattr", SYS_mount_setattr, {-1, TEXT("/")}, 0},
    {"pivot_root", SYS_pivot_root, {TEXT("/"), TEXT("/")}, 0},
    {"chroot", SYS_chroot, {TEXT("/")}, 0},
    {"unshare", SYS_unshare, {CLONE_NEWUSER}, 0},
    {"setns", SYS_setns, {-1}, 0},
    {"a process", SYS_clone, {SIGCHLD}, 0},
    {"a user namespace", SYS_clone, {CLONE_NEWUSER | SIGCHLD}, 0},
    {"a thread in a namespace", SYS_clone, {CLONE_THREAD | CLONE_NEWNET}, 0},
    {"execveat", SYS_execveat, {AT_FDCWD, TEXT("/bin/true")}, 0},
    {"memfd_create", SYS_memfd_create, {TEXT("a")}, 0},
    {"bpf", SYS_bpf, {0}, 0},
    {"perf_event_open", SYS_perf_event_open, {0}, 0},
    {"userfaultfd", SYS_userfaultfd, {0}, 0},
    {"io_uring_setup", SYS_io_uring_setup, {1}, 0},
    {"io_uring_enter", SYS_io_uring_enter, {-1}, 0},
    {"keyctl", SYS_keyctl, {0}, 0},
    {"add_key", SYS_add_key, {TEXT("user"), TEXT("a")}, 0},
    {"request_key", SYS_request_key, {TEXT("user"), TEXT("a")}, 0},
    {"init_module", SYS_init_module, {0}, 0},
    {"finit_module", SYS_finit_module, {-1}, 0},
    {"kexec_load", SYS_kexec_load, {0}, 0},
    {"reboot", SYS_reboot, {0}, 0},
    {"syslog", SYS_syslog, {3}, 0},
    {"acct", SYS_acct, {0}, 0},
    {"swapon", SYS_swapon, {TEXT("a")}, 0},
    {"settimeofday", SYS_settimeofday, {0}, 0},
    {"setuid", SYS_setuid, {0}, 0},
    {"setgroups", SYS_setgroups, {0}, 0},
    {"capset", SYS_capset, {0}, 0},
    {"personality", SYS_personality, {0x0400000 /* READ_IMPLIES_EXEC */}, 0},
    {"seccomp", SYS_seccomp, {0}, 0},
    {"kill", SYS_kill, {1, 0}, 0},
    {"open_by_handle_at", SYS_open_by_handle_at, {-1}, 0},
    {"name_to_handle_at", SYS_name_to_handle_at, {-1}, 0},
    {"openat2", SYS_openat2, {AT_FDCWD, TEXT("/")}, 0},
    {"a new file", SYS_openat, {AT_FDCWD, TEXT("/tmp/akh-confined"), O_WRONLY | O_CREAT, 0600}, 0},
    {"an emptied file", SYS_openat, {AT_FDCWD, TEXT("/dev/null"), O_WRONLY | O_TRUNC}, 0},
    {"a file without a name", SYS_openat, {AT_FDCWD, TEXT("/tmp"), O_WRONLY | O_TMPFILE, 0600}, 0},
    {"its own memory as a file", SYS_openat, {AT_FDCWD, TEXT("/proc/self/mem"), O_RDWR}, 0},
    {"unlinkat", SYS_unlinkat, {AT_FDCWD, TEXT("/tmp/akh-confined")}, 0},
    {"renameat2", SYS_renameat2, {AT_FDCWD, TEXT("a"), AT_FDCWD, TEXT("b")}, 0},
    {"symlinkat", SYS_symlinkat, {TEXT("a"), AT_FDCWD, TEXT("/tmp/akh-confined")}, 0},
    {"mknodat", SYS_mknodat, {AT_FDCWD, TEXT("/tmp/akh-confined")}, 0},
    {"fchmodat", SYS_fchmodat, {AT_FDCWD, TEXT("/tmp/akh-confined"), 0}, 0},
    {"memory to write and run",
     SYS_mmap,
     {0, 4096, PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0},
     0},
    {"data made code", SYS_mprotect, {TEXT(bytes), 4096, PROT_READ | PROT_EXEC}, 0},
    {"pkey_mprotect", SYS_pkey_mprotect, {TEXT(bytes), 4096, PROT_READ, -1}, 0},
    {"remap_file_pages", SYS_remap_file_pages, {TEXT(bytes), 4096}, 0},
    {"packets", SYS_socket, {AF_PACKET, SOCK_RAW, 0}, 0},
    {"raw IPv4", SYS_socket, {AF_INET, SOCK_RAW, IPPROTO_TCP}, 0},
    {"raw IPv6", SYS_socket, {AF_INET6, SOCK_RAW, IPPROTO_TCP}, 0},
    {"SCTP", SYS_socket, {AF_INET, SOCK_SEQPACKET, 132}, 0},
    {"vsock", SYS_socket, {AF_VSOCK, SOCK_STREAM, 0}, 0},
    {"crypto", SYS_socket, {AF_ALG, SOCK_SEQPACKET, 0}, 0},
    {"bluetooth", SYS_socket, {AF_BLUETOOTH, SOCK_RAW, 0}, 0},
    {"a pair over TCP", SYS_socketpair, {AF_INET, SOCK_STREAM, 0}, 0},
    {"typing for others", SYS_ioctl, {0, TIOCSTI, TEXT("a")}, 0},
    {"addresses of interfaces", SYS_ioctl, {0, SIOCSIFADDR, 0}, 0},
    {"a new name", SYS_prctl, {PR_SET_NAME, TEXT("a")}, 0},
    {"keeping capabilities", SYS_prctl, {PR_SET_KEEPCAPS, 1}, 0},
    {"another's limits", SYS_prlimit64, {1, RLIMIT_NOFILE}, 0},
};

static const struct call spoken_of[] = {
    {"a process by clone3", SYS_clone3, {TEXT(&clone3_args), sizeof(clone3_args)}, ENOSYS},
    {"a local socket", SYS_socket, {AF_UNIX, SOCK_STREAM, 0}, EAFNOSUPPORT},
    {"netlink", SYS_socket, {AF_NETLINK, SOCK_RAW, 0}, EAFNOSUPPORT},
    {"TCP", SYS_socket, {AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0}, 0},
    {"UDP", SYS_socket, {AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0}, 0},
    {"a file to read", SYS_openat, {AT_FDCWD, TEXT("/etc/passwd"), O_RDONLY | O_CLOEXEC}, 0},
    {"memory to write",
     SYS_mmap,
     {0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0},
     0},
    {"memory to run",
     SYS_mmap,
     {0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0},
     0},
    {"data to read", SYS_mprotect, {TEXT(bytes), 4096, PROT_READ}, 0},
    {"no core", SYS_prctl, {PR_SET_DUMPABLE, 0}, 0},
    {"its own limits", SYS_prlimit64, {0, RLIMIT_NOFILE}, 0},
    {"a wrong thread", SYS_clone, {CLONE_THREAD}, EINVAL},
    {"execve", SYS_execve, {TEXT("/nothing/there")}, ENOENT},
};

static void load(uint32_t instead)
{
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	scmp_filter_ctx filter;
	if (!profile_read(PROFILE, instead, &filter, &err)) {
		fprintf(stderr, "%s\n", error_text(&err));
		_exit(NOT_LOADED);
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || seccomp_load(filter) != 0)
		_exit(NOT_LOADED);
}

static void make(uint32_t instead, const struct call *call)
{
	load(instead);
	const long *a = call->arguments;
	_exit(syscall(call->number, a[0], a[1], a[2], a[3], a[4], a[5]) >= 0 ? 0 : errno);
}

/* errno of the call, 0 if it succeeded; minus the signal that ended the process. */
static int outcome(uint32_t instead, const struct call *call)
{
	int status = 0;
	fflush(NULL);
	pid_t pid = fork();
	CHECK(pid >= 0);
	if (pid == 0)
		make(instead, call);
	CHECK(waitpid(pid, &status, 0) == pid);
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

TEST(calls, forbidden_ones_end_the_process)
{
	for (size_t i = 0; i < ARRAY_SIZE(forbidden); i++) {
		test_row("%s", forbidden[i].what);
		EXPECT_INT(outcome(SCMP_ACT_KILL_PROCESS, &forbidden[i]), -SIGSYS);
	}
}

TEST(calls, forbidden_ones_fail_as_shipped)
{
	for (size_t i = 0; i < ARRAY_SIZE(forbidden); i++) {
		test_row("%s", forbidden[i].what);
		EXPECT_INT(outcome(0, &forbidden[i]), ENOSYS);
	}
}

TEST(calls, those_that_rules_speak_of)
{
	static const uint32_t ways[] = {SCMP_ACT_KILL_PROCESS, 0};
	for (size_t w = 0; w < ARRAY_SIZE(ways); w++)
		for (size_t i = 0; i < ARRAY_SIZE(spoken_of); i++) {
			test_row("%s", spoken_of[i].what);
			EXPECT_INT(outcome(ways[w], &spoken_of[i]), spoken_of[i].want);
		}
}

/* ---- the last calls of all ---- */

static void hang(void *ctx UNUSED)
{
	for (;;)
		poll(NULL, 0, -1);
}

static void hang_confined(uint32_t instead)
{
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct loop *loop = loop_new(&system_clock);
	struct watchdog *watchdog = NULL;
	struct timer timer;
	load(instead);
	if (!watchdog_new(300, &watchdog, &err))
		_exit(NOT_LOADED);
	timer_init(&timer, hang, NULL);
	timer_arm(loop_timers(loop), &timer, 1);
	loop_run(loop);
	_exit(0);
}

/* As shipped too: there a call that the profile lacks only fails, and abort() would go on to an
 * instruction that ends the process by another signal. */
TEST(calls, the_watchdog_ends_a_loop_that_hangs)
{
	static const uint32_t ways[] = {SCMP_ACT_KILL_PROCESS, 0};
	for (size_t w = 0; w < ARRAY_SIZE(ways); w++) {
		char text[1024] = "";
		int ends[2], status = 0;
		CHECK(pipe2(ends, O_CLOEXEC) == 0);
		fflush(NULL);
		pid_t pid = fork();
		CHECK(pid >= 0);
		if (pid == 0) {
			alarm(30);
			dup2(ends[1], STDERR_FILENO);
			hang_confined(ways[w]);
		}
		close(ends[1]);
		/* Its line comes in one write; the pipe ends with the process. */
		for (ssize_t got = 1, length = 0; got > 0; length += got)
			got = read(ends[0], text + length, sizeof(text) - 1 - (size_t)length);
		close(ends[0]);
		CHECK(waitpid(pid, &status, 0) == pid);
		test_row("%zu", w);
		EXPECT_INT(WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status), -SIGABRT);
		EXPECT_CONTAINS(text, "\"message\":\"the loop stopped ticking\"");
		EXPECT_CONTAINS(text, "\"doing\":\"timer\"");
	}
	test_row("%s", "");
}

TEST_MAIN(TEST_OF(calls, forbidden_ones_end_the_process),
	  TEST_OF(calls, forbidden_ones_fail_as_shipped), TEST_OF(calls, those_that_rules_speak_of),
	  TEST_OF(calls, the_watchdog_ends_a_loop_that_hangs))
