/*
 * What an answer of the API server means for policy. Codes decide; texts only where the API has
 * nothing else to tell an admission refusal (for good) from missing rights (passing), both 403.
 */
#include <string.h>

#include "pkg/kube/client.h"
#include "pkg/kube/internal.h"

/* A webhook may send megabytes; what is kept of it ends up in a PodAutoscaler's status. */
#define MESSAGE_MAX 4096
/* Of an answer that is no Status (proxies, priority and fairness): its first line. */
#define PLAIN_MAX 200
/* How k8s.io/apiserver begins what a webhook refused (webhook/errors.ToStatusErr). */
#define WEBHOOK "admission webhook \""
/* How it begins the refusal of a patch, with the whole patched object as a quoted value behind; the
 * cause comes last (handlers/patch.go, field.Invalid). */
#define PATCH_DUMP " \"\" is invalid: patch: Invalid value: \""
#define DUMP_END "\": strict decoding error: "

static bool starts_with(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

static const struct json *causes_of(const struct json *status)
{
	const struct json *causes = json_path(status, "details", "causes", NULL);
	return json_is(causes, JSON_ARRAY) ? causes : NULL;
}

static bool has_cause(const struct json *status, const char *reason)
{
	const struct json *causes = causes_of(status);
	for (size_t i = 0; i < json_count(causes); i++) {
		if (strcmp(json_text_or(json_get(json_at(causes, i), "reason"), ""), reason) == 0)
			return true;
	}
	return false;
}

/* Admission plugins and webhooks answer 403 as RBAC does; their words are fixed in
 * k8s.io/apiserver (webhook/errors.ToStatusErr, quota, validating admission policy). */
static enum error_kind kind_of_forbidden(const struct json *status, const char *message)
{
	static const char *const refusals[] = {"exceeded quota: ", "failed quota: "};
	if (has_cause(status, "NamespaceTerminating") ||
	    strstr(message, "because it is being terminated"))
		return ERROR_FORBIDDEN;
	if (starts_with(message, WEBHOOK))
		return ERROR_DENIED;
	if (strstr(message, "ValidatingAdmissionPolicy '") && strstr(message, "denied request"))
		return ERROR_DENIED;
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		if (strstr(message, refusals[i]))
			return ERROR_DENIED;
	}
	return ERROR_FORBIDDEN;
}

static enum error_kind kind_of(int code, const struct json *status, const char *message)
{
	const char *reason = json_text_or(json_get(status, "reason"), "");
	switch (code) {
	case 401:
		return ERROR_UNAUTHORIZED;
	case 403:
		return kind_of_forbidden(status, message);
	case 404:
		return ERROR_NOT_FOUND;
	case 408:
		return ERROR_TRANSIENT;
	case 409:
		return strcmp(reason, "AlreadyExists") == 0 ? ERROR_ALREADY_EXISTS : ERROR_CONFLICT;
	case 410:
		return ERROR_GONE;
	case 412:
		return ERROR_CONFLICT;
	case 429:
		return ERROR_THROTTLED;
	default:
		return code >= 400 && code < 500 ? ERROR_INVALID : ERROR_TRANSIENT;
	}
}

size_t kube_cut(const char *text, size_t max)
{
	size_t length = strnlen(text, max + 1);
	if (length <= max)
		return length;
	length = max;
	while (length > 0 && ((unsigned char)text[length] & 0xC0) == 0x80)
		length--;
	return length;
}

static void add_causes(const struct json *status, struct strbuf *out)
{
	const struct json *causes = causes_of(status);
	for (size_t i = 0; i < json_count(causes) && out->len < MESSAGE_MAX; i++) {
		const struct json *cause = json_at(causes, i);
		const char *field = json_text_or(json_get(cause, "field"), "");
		if (out->len > 0)
			strbuf_addstr(out, "; ");
		if (field[0])
			strbuf_addf(out, "%s: ", field);
		strbuf_addstr(out, json_text_or(json_get(cause, "message"), ""));
	}
}

/* A text in which nothing can be read counts as none. */
static bool is_blank(struct strbuf *text)
{
	for (const unsigned char *c = (const unsigned char *)text->buf; *c; c++) {
		if (*c == 0xC2 && c[1] >= 0x80 && c[1] <= 0xA0)
			c++;
		else if (*c > ' ' && *c != 0x7F)
			return false;
	}
	strbuf_reset(text);
	return true;
}

/* message first, then what the causes say, then the bare reason. */
static void status_text(const struct json *status, struct strbuf *out)
{
	strbuf_addstr(out, json_text_or(json_get(status, "message"), ""));
	if (is_blank(out))
		add_causes(status, out);
	if (is_blank(out))
		strbuf_addstr(out, json_text_or(json_get(status, "reason"), ""));
	(void)is_blank(out);
}

static bool is_status(const struct json *body)
{
	return strcmp(json_text_or(json_get(body, "kind"), ""), "Status") == 0;
}

static int64_t retry_after_of(const struct json *status)
{
	int64_t seconds = json_int_or(json_path(status, "details", "retryAfterSeconds", NULL), 0);
	if (seconds <= 0)
		return 0;
	return (seconds < 3600 ? seconds : 3600) * 1000;
}

/* Without the dump of the object, which would crowd out what is wrong with it. */
static const char *without_dump(const char *text)
{
	const char *end = starts_with(text, PATCH_DUMP) ? strstr(text, DUMP_END) : NULL;
	while (end) {
		text = end + strlen("\": ");
		end = strstr(text, DUMP_END);
	}
	return text;
}

static void fill(const struct json *status, int code, const char *text, struct error *err)
{
	/* A reason may carry more than the code: APIs answer 409, events 500 with it. */
	const char *reason = json_text_or(json_get(status, "reason"), "");
	if (strcmp(reason, "Expired") == 0 || strcmp(reason, "Gone") == 0)
		code = 410;
	text = without_dump(text);
	error_set(err, kind_of(code, status, text), "%.*s", (int)kube_cut(text, MESSAGE_MAX), text);
	err->status = code;
}

void kube_error_from_status(const struct json *status, struct error *err)
{
	CLEANUP(strbuf_release) struct strbuf text = STRBUF_INIT;
	int64_t code = json_int_or(json_get(status, "code"), 0);
	status_text(status, &text);
	if (text.len == 0)
		strbuf_addf(&text, "error %lld", (long long)code);
	fill(status, code > 0 && code < 1000 ? (int)code : 500, text.buf, err);
	err->retry_after_ms = retry_after_of(status);
}

static void plain_text(const struct http_response *response, struct strbuf *out)
{
	const char *body = response->body ? response->body : "";
	size_t length = strcspn(body, "\r\n");
	strbuf_addf(out, "HTTP %d", response->status);
	if (length == 0 || length > PLAIN_MAX || body[0] == '<' || body[0] == '{')
		return;
	for (size_t i = 0; i < length; i++) {
		if ((unsigned char)body[i] < 0x20 || (unsigned char)body[i] > 0x7E)
			return;
	}
	strbuf_addf(out, ": %.*s", (int)length, body);
}

static const struct json *parse_status(const struct http_response *response, struct arena *arena)
{
	CLEANUP(error_clear) struct error ignored = ERROR_INIT;
	struct json *body;
	if (!response->body || response->length == 0 ||
	    !json_parse(response->body, response->length, &kube_answer_limits, arena, &body,
			&ignored))
		return NULL;
	return is_status(body) ? body : NULL;
}

bool kube_error_decode(const struct http_response *response, struct error *err)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(strbuf_release) struct strbuf text = STRBUF_INIT;
	error_clear(err);
	if (response->status >= 200 && response->status < 300)
		return true;
	const struct json *status = parse_status(response, arena);
	status_text(status, &text);
	bool spoke = text.len > 0;
	if (!spoke)
		plain_text(response, &text);
	fill(status, response->status, text.buf, err);
	err->retry_after_ms =
	    response->retry_after_ms > 0 ? response->retry_after_ms : retry_after_of(status);
	return spoke;
}

bool kube_error_of_webhook(const struct error *err)
{
	return err->message && starts_with(err->message, WEBHOOK);
}

void kube_error_from_response(const struct http_response *response, struct error *err)
{
	(void)kube_error_decode(response, err);
}
