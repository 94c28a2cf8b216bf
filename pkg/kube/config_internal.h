/*
 * What the readers of a kubeconfig share: the files in their order, and members of its objects.
 * Errors are ERROR_FATAL and name the member; who calls names the entry and the file.
 */
#ifndef KUBE_CONFIG_INTERNAL_H
#define KUBE_CONFIG_INTERNAL_H

#include "pkg/base/strbuf.h"
#include "pkg/json/json.h"
#include "pkg/kube/config.h"

/* ---- config_files.c ---- */

struct config_file {
	const char *path, *folder;
	const struct json *root; /* an object */
};

/* $KUBECONFIG names at most this many. */
#define CONFIG_FILES_MAX 32

struct config_files {
	struct config_file files[CONFIG_FILES_MAX];
	size_t count;
	const char *sought; /* what was looked for, for messages */
};

/* An entry of a list (clusters, users, contexts) and the file it stands in. */
struct config_entry {
	const struct json *value; /* an object; NULL: there is none of that name */
	const struct config_file *file;
	const char *name;
};

/* The file must be there. */
MUST_CHECK bool config_files_add(struct config_files *files, const char *path, struct arena *arena,
				 struct error *err);
/* paths: separated by colons. Missing and empty files are passed over. */
MUST_CHECK bool config_files_add_list(struct config_files *files, const char *paths,
				      struct arena *arena, struct error *err);
/* {"clusters":[{"name":...,"cluster":{...}}]}: the first of that name. False only if that one is
 * no object. */
MUST_CHECK bool config_files_find(const struct config_files *files, const char *list,
				  const char *kind, const char *name, struct config_entry *out,
				  struct error *err);
const char *config_files_current(const struct config_files *files); /* NULL: none is set */
/* Up to 1 MiB. */
MUST_CHECK bool config_read(const char *path, struct strbuf *out, struct error *err);

/* ---- config_members.c: NULL, if absent, null or empty ---- */

bool config_is_set(const struct json *object, const char *key);
MUST_CHECK bool config_text(const struct json *object, const char *key, struct arena *arena,
			    const char **out, struct error *err);
/* A path; a relative one begins at folder. */
MUST_CHECK bool config_path(const struct json *object, const char *key, const char *folder,
			    struct arena *arena, const char **out, struct error *err);
MUST_CHECK bool config_bool(const struct json *object, const char *key, bool *out,
			    struct error *err);
/* KEY (a path) and KEY-data (base64 of a text): where both are, the latter wins and file is NULL.
 */
MUST_CHECK bool config_pair(const struct json *object, const char *key, const char *folder,
			    struct arena *arena, const char **file, const char **pem,
			    struct error *err);
/* A list of texts, 1,000 at most, NULL at its end. */
MUST_CHECK bool config_texts(const struct json *object, const char *key, struct arena *arena,
			     const char ***out, struct error *err);

/* ---- config_cluster.c, config_user.c ---- */

/* server: instead of the entry's, or NULL. */
MUST_CHECK bool config_cluster(const struct config_entry *cluster, const char *server,
			       struct arena *arena, struct endpoint *out, struct error *err);
/* Is the server's address 127.0.0.0/8, ::1 or localhost? */
bool config_is_loopback(const char *server);

/* After the cluster: an exec plugin may be told about it. people: may there be one? */
MUST_CHECK bool config_user(const struct config_entry *user, const struct config_entry *cluster,
			    bool people, struct arena *arena, struct endpoint *out,
			    struct error *err);
MUST_CHECK bool config_exec(const struct json *exec, const struct config_entry *user,
			    const struct config_entry *cluster, struct arena *arena,
			    struct endpoint *out, struct error *err);

#endif
