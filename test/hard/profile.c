/*
 * A seccomp profile, from its JSON to a filter of libseccomp.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "pkg/json/json.h"
#include "test/hard/confine.h"

#define PROFILE_BYTES (1u << 20)

static bool read_file(const char *path, struct strbuf *out, struct error *err)
{
	char part[4096];
	ssize_t got = -1;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && out->len < PROFILE_BYTES && (got = read(fd, part, sizeof(part))) > 0)
		strbuf_add(out, part, (size_t)got);
	int saved = errno;
	if (fd >= 0)
		close(fd);
	return got == 0 || error_set(err, ERROR_INVALID, "%s: %s", path, strerror(saved));
}

static bool only_members(const struct json *object, const char *const *names, struct error *err)
{
	if (!json_is(object, JSON_OBJECT))
		return error_set(err, ERROR_INVALID, "not an object");
	for (size_t i = 0; i < object->count; i++) {
		const char *const *name = names;
		while (*name && strcmp(*name, object->members[i].key) != 0)
			name++;
		if (!*name)
			return error_set(err, ERROR_INVALID, "unknown member %s",
					 object->members[i].key);
	}
	return true;
}

static bool read_action(const char *name, const struct json *number, uint32_t *out,
			struct error *err)
{
	int64_t code = json_int_or(number, EPERM);
	if (name && strcmp(name, "SCMP_ACT_ALLOW") == 0)
		*out = SCMP_ACT_ALLOW;
	else if (name && strcmp(name, "SCMP_ACT_KILL_PROCESS") == 0)
		*out = SCMP_ACT_KILL_PROCESS;
	else if (name && strcmp(name, "SCMP_ACT_ERRNO") == 0 && code > 0 && code < 4096)
		*out = SCMP_ACT_ERRNO((uint32_t)code);
	else
		return error_set(err, ERROR_INVALID, "unknown action %s", name ? name : "(none)");
	return true;
}

static bool read_arg(const struct json *arg, struct scmp_arg_cmp *out, struct error *err)
{
	static const char *const members[] = {"index", "value", "valueTwo", "op", NULL};
	const char *op = json_text_or(json_get(arg, "op"), "");
	int64_t index, value;
	if (!only_members(arg, members, err))
		return false;
	if (!json_int(json_get(arg, "index"), &index) || index < 0 || index > 5 ||
	    !json_int(json_get(arg, "value"), &value))
		return error_set(err, ERROR_INVALID, "argument without index or value");
	*out = (struct scmp_arg_cmp){.arg = (unsigned)index, .datum_a = (scmp_datum_t)value};
	if (strcmp(op, "SCMP_CMP_EQ") == 0) {
		out->op = SCMP_CMP_EQ;
	} else if (strcmp(op, "SCMP_CMP_MASKED_EQ") == 0) {
		out->op = SCMP_CMP_MASKED_EQ;
		out->datum_b = (scmp_datum_t)json_int_or(json_get(arg, "valueTwo"), 0);
	} else {
		return error_set(err, ERROR_INVALID, "unknown comparison %s", op);
	}
	return true;
}

/* A rule that says what the default says is no rule, to runtimes as to libseccomp. */
static bool is_default(scmp_filter_ctx filter, uint32_t action)
{
	uint32_t by_default = 0;
	return seccomp_attr_get(filter, SCMP_FLTATR_ACT_DEFAULT, &by_default) == 0 &&
	       by_default == action;
}

static bool add_rule(scmp_filter_ctx filter, const struct json *rule, struct error *err)
{
	static const char *const members[] = {"comment",  "names", "action",
					      "errnoRet", "args",  NULL};
	const struct json *names = json_get(rule, "names"), *args = json_get(rule, "args");
	struct scmp_arg_cmp compare[6];
	uint32_t action;
	if (!only_members(rule, members, err) ||
	    !read_action(json_text(json_get(rule, "action")), json_get(rule, "errnoRet"), &action,
			 err))
		return false;
	if (json_count(names) == 0 || json_count(args) > ARRAY_SIZE(compare))
		return error_set(err, ERROR_INVALID, "no names, or too many arguments");
	for (size_t i = 0; i < json_count(args); i++)
		if (!read_arg(json_at(args, i), &compare[i], err))
			return false;
	for (size_t i = 0; i < json_count(names) && !is_default(filter, action); i++) {
		const char *name = json_text_or(json_at(names, i), "");
		int number = seccomp_syscall_resolve_name(name);
		int failed = number == __NR_SCMP_ERROR
				 ? -ENOSYS
				 : seccomp_rule_add_array(filter, action, number,
							  (unsigned)json_count(args), compare);
		if (failed)
			return error_set(err, ERROR_INVALID, "%s: %s", name, strerror(-failed));
	}
	return true;
}

static bool add_architectures(scmp_filter_ctx filter, const struct json *list, struct error *err)
{
	for (size_t i = 0; i < json_count(list); i++) {
		const char *name = json_text_or(json_at(list, i), "");
		uint32_t arch = strcmp(name, "SCMP_ARCH_X86_64") == 0    ? SCMP_ARCH_X86_64
				: strcmp(name, "SCMP_ARCH_AARCH64") == 0 ? SCMP_ARCH_AARCH64
									 : 0;
		int failed = arch ? seccomp_arch_add(filter, arch) : -EINVAL;
		if (failed && failed != -EEXIST)
			return error_set(err, ERROR_INVALID, "architecture %s", name);
	}
	return json_count(list) > 0 || error_set(err, ERROR_INVALID, "no architectures");
}

static bool build(const struct json *profile, uint32_t instead, scmp_filter_ctx *out,
		  struct error *err)
{
	static const char *const members[] = {"defaultAction", "defaultErrnoRet", "architectures",
					      "syscalls", NULL};
	const struct json *rules = json_get(profile, "syscalls");
	uint32_t action;
	if (!only_members(profile, members, err) ||
	    !read_action(json_text(json_get(profile, "defaultAction")),
			 json_get(profile, "defaultErrnoRet"), &action, err))
		return false;
	*out = seccomp_init(instead ? instead : action);
	if (!*out)
		return error_set(err, ERROR_FATAL, "seccomp_init failed");
	if (!add_architectures(*out, json_get(profile, "architectures"), err))
		return false;
	for (size_t i = 0; i < json_count(rules); i++)
		if (!add_rule(*out, json_at(rules, i), err))
			return error_wrap(err, "rule %zu", i);
	return true;
}

bool profile_read(const char *path, uint32_t instead, scmp_filter_ctx *out, struct error *err)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(strbuf_release) struct strbuf text = STRBUF_INIT;
	const struct json_limits limits = {.max_bytes = PROFILE_BYTES};
	struct json *profile;
	*out = NULL;
	if (!read_file(path, &text, err))
		return false;
	if (json_parse(text.buf, text.len, &limits, arena, &profile, err) &&
	    build(profile, instead, out, err))
		return true;
	seccomp_release(*out);
	return error_wrap(err, "%s", path);
}
