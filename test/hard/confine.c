/*
 * The order is a container runtime's: mounts and user need privileges, the filter comes last, so
 * that it need not allow what was done before.
 */
#include "test/hard/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool failed(const char *what, struct error *err)
{
	return error_set(err, ERROR_FATAL, "%s: %s", what, strerror(errno));
}

static bool root_read_only(struct error *err)
{
	struct mount_attr attributes = {.attr_set = MOUNT_ATTR_RDONLY};
	if (unshare(CLONE_NEWNS) != 0 || mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
		return failed("a mount namespace", err);
	return mount_setattr(AT_FDCWD, "/", AT_RECURSIVE, &attributes, sizeof(attributes)) == 0 ||
	       failed("mount_setattr", err);
}

static bool change_root(const char *root, struct error *err)
{
	return (chroot(root) == 0 && chdir("/") == 0) || failed(root, err);
}

static bool drop_privileges(unsigned uid, struct error *err)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {0};
	/* EINVAL: this kernel has no more capabilities. */
	for (unsigned long capability = 0;; capability++)
		if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0) {
			if (errno != EINVAL)
				return failed("the bounding set", err);
			break;
		}
	if (uid && (setgroups(0, NULL) != 0 || setresgid(uid, uid, uid) != 0 ||
		    setresuid(uid, uid, uid) != 0))
		return failed("the user", err);
	return syscall(SYS_capset, &header, none) == 0 || failed("capset", err);
}

bool confine(const struct confinement *how, struct error *err)
{
	scmp_filter_ctx filter = NULL;
	int loaded = 0;
	if (how->profile && !profile_read(how->profile, how->instead, &filter, err))
		return false;
	bool ok = (how->root_is_not_read_only || root_read_only(err)) &&
		  (!how->root || change_root(how->root, err)) && drop_privileges(how->uid, err);
	if (ok && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		ok = failed("no new privileges", err);
	/* Whoever started this may have asked to be outlived by nobody; another user forgets it. */
	if (ok)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (ok && filter && (loaded = seccomp_load(filter)) != 0)
		ok = error_set(err, ERROR_FATAL, "seccomp_load: %s", strerror(-loaded));
	/* No release behind the filter: it may free memory by calls that it does not allow. */
	if (!ok)
		seccomp_release(filter);
	return ok;
}
