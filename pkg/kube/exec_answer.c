/*
 * What a credential plugin printed. Errors name what is wrong and show nothing of the text: it is a
 * secret.
 */
#include <string.h>

#include "pkg/base/date.h"
#include "pkg/kube/exec_plugin.h"

#define ANSWER_MAX ((size_t)1 << 20)

static bool text_of(const struct json *status, const char *key, struct arena *arena,
		    const char **out, struct error *err)
{
	const struct json *member = json_get(status, key);
	const char *text = json_text(member);

	*out = text && text[0] ? arena_strdup(arena, text) : NULL;
	if (member && !json_is(member, JSON_NULL) && (!text || strlen(text) != member->length))
		return error_set(err, ERROR_FATAL, "status.%s is no text", key);
	return true;
}

static bool check_kind(const struct json *answer, const char *want, struct error *err)
{
	const char *version = json_text_or(json_get(answer, "apiVersion"), "");

	if (strcmp(json_text_or(json_get(answer, "kind"), ""), "ExecCredential") != 0)
		return error_set(err, ERROR_FATAL, "it printed no ExecCredential");
	if (strcmp(version, want) != 0)
		return error_set(err, ERROR_FATAL,
				 "it is configured to use apiVersion %s but answered in another",
				 want);
	if (!json_is(json_get(answer, "status"), JSON_OBJECT))
		return error_set(err, ERROR_FATAL, "it printed no status");
	return true;
}

/* One that is over already is good for the request at hand, as client-go has it. */
static bool take_expiry(const struct json *status, int64_t wall_ms, int64_t *valid_ms,
			struct error *err)
{
	const struct json *member = json_get(status, "expirationTimestamp");
	int64_t until;

	*valid_ms = 0;
	if (!member || json_is(member, JSON_NULL))
		return true;
	if (!json_text(member) || !time_parse_rfc3339(json_text(member), &until))
		return error_set(err, ERROR_FATAL, "status.expirationTimestamp is no time");
	*valid_ms = until > wall_ms ? until - wall_ms : 1;
	return true;
}

bool exec_plugin_answer(const struct exec_plugin *plugin, const struct strbuf *text,
			int64_t wall_ms, struct arena *arena, struct credentials *out,
			struct error *err)
{
	static const struct json_limits limits = {.max_bytes = ANSWER_MAX};
	struct json *answer;

	*out = (struct credentials){0};
	if (!json_parse(text->buf, text->len, &limits, arena, &answer, NULL))
		return error_set(err, ERROR_FATAL, "what it printed is no JSON");
	if (!check_kind(answer, plugin->api_version, err))
		return false;
	const struct json *status = json_get(answer, "status");
	if (!text_of(status, "token", arena, &out->token, err) ||
	    !text_of(status, "clientCertificateData", arena, &out->cert_pem, err) ||
	    !text_of(status, "clientKeyData", arena, &out->key_pem, err) ||
	    !take_expiry(status, wall_ms, &out->valid_ms, err))
		return false;
	if (!out->cert_pem != !out->key_pem)
		return error_set(err, ERROR_FATAL,
				 "it printed only one of clientCertificateData and clientKeyData");
	if (!out->token && !out->cert_pem)
		return error_set(err, ERROR_FATAL,
				 "it printed neither a token nor a client certificate");
	return true;
}
