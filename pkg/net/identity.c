/*
 * Trust and credentials of one endpoint. Invariant: a material that has a text
 * keeps one for good; a reload replaces it only by content that was read whole and makes sense.
 */
#include "pkg/net/identity.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pkg/base/check.h"
#include "pkg/base/log.h"
#include "pkg/base/strbuf.h"

#define LOOK_EVERY_MS 10000
#define MATERIAL_MAX (1024 * 1024)

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static bool read_fd(int fd, const char *path, struct strbuf *out, struct error *err)
{
	char block[16384];
	for (;;) {
		ssize_t got = read(fd, block, sizeof(block));
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return error_set(err, ERROR_FATAL, "read %s: %s", path, strerror(errno));
		if (got == 0)
			return true;
		strbuf_add(out, block, (size_t)got);
		if (out->len > MATERIAL_MAX)
			return error_set(err, ERROR_FATAL, "%s is larger than 1 MiB", path);
	}
}

static bool read_path(const char *path, struct stat *seen, struct strbuf *out, struct error *err)
{
	/* O_NONBLOCK: a FIFO under that name must not stop the loop. */
	CLEANUP(close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || fstat(fd, seen) < 0)
		return error_set(err, ERROR_FATAL, "open %s: %s", path, strerror(errno));
	if (!S_ISREG(seen->st_mode))
		return error_set(err, ERROR_FATAL, "%s is not a regular file", path);
	return read_fd(fd, path, out, err);
}

static const char *shown_path(const struct material *material)
{
	return material->path ? material->path : "as given";
}

/* Blanks around are dropped, as kubectl does; what is left must be fit for a header or a PEM
 * parser. */
static bool accept_text(struct material *material, bool header, struct strbuf *raw,
			struct error *err)
{
	while (raw->len > 0 && strchr(" \t\r\n", raw->buf[raw->len - 1]))
		raw->len--;
	size_t start = 0;
	while (start < raw->len && strchr(" \t\r\n", raw->buf[start]))
		start++;
	if (start == raw->len)
		return error_set(err, ERROR_FATAL, "%s is empty", shown_path(material));
	for (size_t i = start; header && i < raw->len; i++)
		if (raw->buf[i] <= ' ' || raw->buf[i] > '~')
			return error_set(err, ERROR_FATAL, "%s has characters that no token has",
					 shown_path(material));
	free(material->text);
	material->length = raw->len - start;
	material->text = xstrndup(raw->buf + start, material->length);
	return true;
}

static bool material_load(struct material *material, bool header, struct error *err)
{
	CLEANUP(strbuf_release) struct strbuf raw = STRBUF_INIT;
	struct stat seen;
	if (!read_path(material->path, &seen, &raw, err))
		return false;
	/* Remembered even if refused: the same bad content is complained about once. */
	material->seen = seen;
	return accept_text(material, header, &raw, err);
}

static bool material_init(struct material *material, const char *what, const char *path,
			  const char *text, bool header, struct error *err)
{
	CLEANUP(strbuf_release) struct strbuf raw = STRBUF_INIT;
	if (path && *path) {
		material->path = xstrdup(path);
		return material_load(material, header, err) || error_wrap(err, "%s", what);
	}
	if (!text || !*text)
		return true;
	strbuf_addstr(&raw, text);
	return accept_text(material, header, &raw, err) || error_wrap(err, "%s", what);
}

static void material_release(struct material *material)
{
	free(material->path);
	free(material->text);
}

static bool changed(const struct stat *a, const struct stat *b)
{
	return a->st_dev != b->st_dev || a->st_ino != b->st_ino || a->st_size != b->st_size ||
	       a->st_mtim.tv_sec != b->st_mtim.tv_sec || a->st_mtim.tv_nsec != b->st_mtim.tv_nsec;
}

static void material_refresh(struct material *material, bool header)
{
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct stat now;
	if (!material->path || (stat(material->path, &now) == 0 && !changed(&now, &material->seen)))
		return;
	if (material_load(material, header, &err))
		log_info("credentials read again", F_STR("file", material->path));
	else
		log_warn("credentials not read again", F_STR("file", material->path),
			 F_STR("error", error_text(&err)));
}

/* ---- a credential source ---- */

static bool accept_given(struct material *material, const char *text, bool header,
			 struct error *err)
{
	CLEANUP(strbuf_release) struct strbuf raw = STRBUF_INIT;
	strbuf_addstr(&raw, text);
	return accept_text(material, header, &raw, err);
}

static bool accept_credentials(struct identity *identity, const struct credentials *credentials,
			       struct error *err)
{
	if (credentials->token && !accept_given(&identity->token, credentials->token, true, err))
		return error_wrap(err, "token");
	if (!credentials->cert_pem || !credentials->key_pem)
		return true;
	if (!accept_given(&identity->cert, credentials->cert_pem, false, err))
		return error_wrap(err, "client certificate");
	return accept_given(&identity->key, credentials->key_pem, false, err) ||
	       error_wrap(err, "client key");
}

static bool fetch(struct identity *identity, int64_t now_ms, struct error *err)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct credentials credentials = {0};
	bool ok = identity->source.fetch(identity->source.ctx, arena, &credentials, err) &&
		  accept_credentials(identity, &credentials, err);
	identity->earliest_fetch_ms = now_ms + LOOK_EVERY_MS;
	identity->next_fetch_ms = identity->earliest_fetch_ms;
	if (ok && credentials.valid_ms == 0)
		identity->next_fetch_ms = INT64_MAX;
	else if (ok && credentials.valid_ms > LOOK_EVERY_MS)
		identity->next_fetch_ms = now_ms + credentials.valid_ms;
	return ok;
}

static void fetch_again(struct identity *identity, int64_t now_ms)
{
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	if (!fetch(identity, now_ms, &err))
		log_warn("credentials not fetched again", F_STR("error", error_text(&err)));
}

static bool headers_init(struct identity *identity, const struct endpoint *endpoint,
			 struct error *err)
{
	for (const char *const *line = endpoint->headers; line && *line; line++) {
		for (const char *at = *line; *at; at++)
			if ((unsigned char)*at < ' ' || *at == 0x7f)
				return error_set(err, ERROR_FATAL,
						 "header %.*s has a control character",
						 (int)strcspn(*line, ":"), *line);
		identity->headers = curl_slist_append(identity->headers, *line);
		CHECK(identity->headers);
	}
	return true;
}

static bool materials_init(struct identity *identity, const struct endpoint *endpoint,
			   struct error *err)
{
	if (!material_init(&identity->ca, "certificate authority", endpoint->ca_file,
			   endpoint->ca_pem, false, err) ||
	    !material_init(&identity->cert, "client certificate", endpoint->client_cert_file,
			   endpoint->client_cert_pem, false, err) ||
	    !material_init(&identity->key, "client key", endpoint->client_key_file,
			   endpoint->client_key_pem, false, err) ||
	    !material_init(&identity->token, "token", endpoint->token_file, endpoint->token, true,
			   err))
		return false;
	if (!identity->cert.text != !identity->key.text)
		return error_set(err, ERROR_FATAL, "client certificate and key go together");
	return true;
}

static bool source_init(struct identity *identity, const struct endpoint *endpoint, int64_t now_ms,
			struct error *err)
{
	identity->next_fetch_ms = identity->earliest_fetch_ms = INT64_MAX;
	identity->source = endpoint->credentials;
	return !identity->source.fetch || fetch(identity, now_ms, err);
}

bool identity_init(struct identity *identity, const struct endpoint *endpoint, int64_t now_ms,
		   struct error *err)
{
	memset(identity, 0, sizeof(*identity));
	identity->insecure = endpoint->insecure_skip_verify;
	identity->next_look_ms = now_ms + LOOK_EVERY_MS;
	if (endpoint->user_agent)
		identity->user_agent = xstrdup(endpoint->user_agent);
	if (identity_address(identity, endpoint, err) && identity_proxy(identity, endpoint, err) &&
	    headers_init(identity, endpoint, err) && materials_init(identity, endpoint, err) &&
	    source_init(identity, endpoint, now_ms, err))
		return true;
	identity_release(identity);
	return false;
}

void identity_release(struct identity *identity)
{
	free(identity->base);
	free(identity->shown);
	curl_slist_free_all(identity->connect_to);
	free(identity->host_header);
	free(identity->user_agent);
	free(identity->proxy);
	free(identity->proxy_shown);
	curl_slist_free_all(identity->headers);
	material_release(&identity->ca);
	material_release(&identity->cert);
	material_release(&identity->key);
	material_release(&identity->token);
	memset(identity, 0, sizeof(*identity));
}

void identity_refresh(struct identity *identity, int64_t now_ms)
{
	if (now_ms >= identity->next_fetch_ms)
		fetch_again(identity, now_ms);
	if (now_ms < identity->next_look_ms)
		return;
	identity->next_look_ms = now_ms + LOOK_EVERY_MS;
	material_refresh(&identity->ca, false);
	material_refresh(&identity->cert, false);
	material_refresh(&identity->key, false);
	material_refresh(&identity->token, true);
}

void identity_doubt(struct identity *identity)
{
	identity->next_look_ms = INT64_MIN;
	if (identity->next_fetch_ms > identity->earliest_fetch_ms)
		identity->next_fetch_ms = identity->earliest_fetch_ms;
}

static void set_blob(CURL *easy, CURLoption option, const struct material *material)
{
	struct curl_blob blob = {material->text, material->length, CURL_BLOB_COPY};
	if (material->text)
		curl_easy_setopt(easy, option, &blob);
}

/* Each is set, so that no environment and no other default of a library's build decides. */
static void apply_proxy(const struct identity *identity, CURL *easy)
{
	struct curl_blob ca = {identity->ca.text, identity->ca.length, CURL_BLOB_COPY};
	curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L); /* not the answer's */
	curl_easy_setopt(easy, CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE);
	curl_easy_setopt(easy, CURLOPT_PROXY_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (identity->ca.text)
		curl_easy_setopt(easy, CURLOPT_PROXY_CAINFO_BLOB, &ca);
	if (identity->proxy_from_environment)
		return;
	/* "": none. A library without proxies is no way around one. */
	CURLcode code =
	    curl_easy_setopt(easy, CURLOPT_PROXY, identity->proxy ? identity->proxy : "");
	CHECK(code == CURLE_OK || !identity->proxy);
	curl_easy_setopt(easy, CURLOPT_NOPROXY, "");
}

void identity_apply(const struct identity *identity, CURL *easy)
{
	curl_easy_setopt(easy, CURLOPT_USERAGENT, identity->user_agent);
	curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, identity->insecure ? 0L : 1L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, identity->insecure ? 0L : 2L);
	if (identity->ca.text) {
		/* Our CA only: without this the distribution's would be trusted as well. */
		curl_easy_setopt(easy, CURLOPT_CAINFO, NULL);
		curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
	}
	curl_easy_setopt(easy, CURLOPT_CONNECT_TO, identity->connect_to);
	set_blob(easy, CURLOPT_CAINFO_BLOB, &identity->ca);
	set_blob(easy, CURLOPT_SSLCERT_BLOB, &identity->cert);
	set_blob(easy, CURLOPT_SSLKEY_BLOB, &identity->key);
	apply_proxy(identity, easy);
}

struct curl_slist *identity_headers(const struct identity *identity, struct curl_slist *headers)
{
	CLEANUP(strbuf_release) struct strbuf line = STRBUF_INIT;
	if (identity->host_header)
		headers = curl_slist_append(headers, identity->host_header);
	if (identity->token.text) {
		strbuf_addstr(&line, "Authorization: Bearer ");
		strbuf_addstr(&line, identity->token.text);
		headers = curl_slist_append(headers, line.buf);
	}
	for (const struct curl_slist *more = identity->headers; more; more = more->next)
		headers = curl_slist_append(headers, more->data);
	CHECK(headers || (!identity->host_header && !identity->token.text && !identity->headers));
	return headers;
}
