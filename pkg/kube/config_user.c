/*
 * A user entry of a kubeconfig. Whatever it asks for that this program cannot do, or the controller
 * shall not, is refused by name: going on without it would talk to the server as somebody else.
 */
#include <stdio.h>
#include <string.h>

#include "pkg/kube/config_internal.h"

#define CREDENTIAL "use a token or a client certificate"

struct unsupported {
	const char *key, *why;
};

static const struct unsupported by_anyone[] = {
    {"auth-provider", "auth-provider plugins are not supported; " CREDENTIAL},
    {"username", "basic authentication is not supported"},
    {"password", "basic authentication is not supported"},
};

static const struct unsupported by_the_controller[] = {
    {"exec", "the controller runs no exec plugins; " CREDENTIAL},
    {"as", "the controller does not impersonate"},
    {"as-uid", "the controller does not impersonate"},
    {"as-groups", "the controller does not impersonate"},
    {"as-user-extra", "the controller does not impersonate"},
};

static bool refuse(const struct json *user, const struct unsupported *rows, size_t count,
		   struct error *err)
{
	for (size_t i = 0; i < count; i++)
		if (config_is_set(user, rows[i].key))
			return error_set(err, ERROR_FATAL, "%s: %s", rows[i].key, rows[i].why);
	return true;
}

/* ---- impersonation: Impersonate-* headers (transport.ImpersonationConfig) ---- */

struct header_list {
	struct arena *arena;
	const char **lines; /* NULL at the end */
	size_t count, capacity;
};

static void add_header(struct header_list *list, const char *name, const char *value)
{
	if (list->count + 1 >= list->capacity) {
		list->capacity = 2 * list->capacity + 8;
		const char **more = ARENA_ARRAY(list->arena, const char *, list->capacity);

		if (list->count)
			memcpy(more, list->lines, list->count * sizeof(*more));
		list->lines = more;
	}
	list->lines[list->count++] = arena_printf(list->arena, "%s: %s", name, value);
}

static void add_all(struct header_list *list, const char *name, const char *const *values)
{
	for (size_t i = 0; values[i]; i++)
		add_header(list, name, values[i]);
}

/* A key may have any character, a header's name may not: the others are %-escaped. */
static const char *extra_name(struct arena *arena, const char *key)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789!#$&'*+-.^_`|~";
	CLEANUP(strbuf_release) struct strbuf name = STRBUF_INIT;

	strbuf_addstr(&name, "Impersonate-Extra-");
	for (const char *at = key; *at; at++) {
		if (strchr(plain, *at))
			strbuf_addch(&name, *at);
		else
			strbuf_addf(&name, "%%%02X", (unsigned char)*at);
	}
	return arena_strdup(arena, name.buf);
}

static bool add_extra(struct header_list *list, const struct json *user, struct error *err)
{
	const struct json *extra = json_get(user, "as-user-extra");

	if (!extra || json_is(extra, JSON_NULL))
		return true;
	if (!json_is(extra, JSON_OBJECT))
		return error_set(err, ERROR_FATAL, "as-user-extra is no map");
	for (size_t i = 0; i < extra->count; i++) {
		const char *key = extra->members[i].key;
		const char **values;

		if (strlen(key) != extra->members[i].key_len || !key[0])
			return error_set(err, ERROR_FATAL, "as-user-extra has an impossible key");
		if (!config_texts(extra, key, list->arena, &values, err))
			return error_wrap(err, "as-user-extra");
		add_all(list, extra_name(list->arena, key), values);
	}
	return true;
}

static bool impersonation(const struct json *user, struct arena *arena, struct endpoint *out,
			  struct error *err)
{
	struct header_list list = {.arena = arena};
	const char *as, *uid, **groups;

	if (!config_text(user, "as", arena, &as, err) ||
	    !config_text(user, "as-uid", arena, &uid, err) ||
	    !config_texts(user, "as-groups", arena, &groups, err))
		return false;
	if (!as && (uid || groups[0] || config_is_set(user, "as-user-extra")))
		return error_set(err, ERROR_FATAL,
				 "as-uid, as-groups and as-user-extra need a user to impersonate "
				 "(as)");
	if (!as)
		return true;
	add_header(&list, "Impersonate-User", as);
	if (uid)
		add_header(&list, "Impersonate-Uid", uid);
	add_all(&list, "Impersonate-Group", groups);
	if (!add_extra(&list, user, err))
		return false;
	out->headers = list.lines;
	return true;
}

/* ---- all of it ---- */

static bool certificate(const struct config_entry *user, struct arena *arena, struct endpoint *out,
			struct error *err)
{
	const char *folder = user->file->folder;

	if (!config_pair(user->value, "client-certificate", folder, arena, &out->client_cert_file,
			 &out->client_cert_pem, err) ||
	    !config_pair(user->value, "client-key", folder, arena, &out->client_key_file,
			 &out->client_key_pem, err))
		return false;
	bool cert = out->client_cert_file || out->client_cert_pem;
	bool key = out->client_key_file || out->client_key_pem;
	if (cert != key)
		return error_set(err, ERROR_FATAL,
				 "client-certificate and client-key go together, %s is missing",
				 cert ? "client-key" : "client-certificate");
	return true;
}

bool config_user(const struct config_entry *user, const struct config_entry *cluster, bool people,
		 struct arena *arena, struct endpoint *out, struct error *err)
{
	const struct json *value = user->value;
	const struct json *exec = json_get(value, "exec");

	if (!refuse(value, by_anyone, ARRAY_SIZE(by_anyone), err) ||
	    (!people && !refuse(value, by_the_controller, ARRAY_SIZE(by_the_controller), err)) ||
	    !config_text(value, "token", arena, &out->token, err) ||
	    !config_path(value, "tokenFile", user->file->folder, arena, &out->token_file, err) ||
	    !certificate(user, arena, out, err) || !impersonation(value, arena, out, err))
		return false;
	if (!exec || json_is(exec, JSON_NULL))
		return true;
	return config_exec(exec, user, cluster, arena, out, err) || error_wrap(err, "exec");
}
