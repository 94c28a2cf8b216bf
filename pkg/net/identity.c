/*
 * Server address, trust and credentials of one endpoint. Invariant: a material that has a text
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

static void url_free(CURLU **url)
{
	curl_url_cleanup(*url);
}

struct url_parts {
	char *scheme, *host, *port, *path;
};

static void url_parts_release(struct url_parts *parts)
{
	curl_free(parts->scheme);
	curl_free(parts->host);
	curl_free(parts->port);
	curl_free(parts->path);
}

static bool absent(CURLU *url, CURLUPart part)
{
	char *text = NULL;
	CURLUcode code = curl_url_get(url, part, &text, 0);
	curl_free(text);
	return code != CURLUE_OK;
}

static bool split_url(const char *server, struct url_parts *out, struct error *err)
{
	CLEANUP(url_free) CURLU *url = curl_url();
	if (!server || curl_url_set(url, CURLUPART_URL, server, 0) != CURLUE_OK ||
	    curl_url_get(url, CURLUPART_SCHEME, &out->scheme, 0) != CURLUE_OK ||
	    curl_url_get(url, CURLUPART_HOST, &out->host, 0) != CURLUE_OK ||
	    curl_url_get(url, CURLUPART_PORT, &out->port, CURLU_DEFAULT_PORT) != CURLUE_OK ||
	    curl_url_get(url, CURLUPART_PATH, &out->path, 0) != CURLUE_OK ||
	    (strcmp(out->scheme, "https") != 0 && strcmp(out->scheme, "http") != 0))
		return error_set(err, ERROR_FATAL, "server \"%s\" is not an http or https URL",
				 server ? server : "");
	if (!absent(url, CURLUPART_USER) || !absent(url, CURLUPART_PASSWORD) ||
	    !absent(url, CURLUPART_QUERY) || !absent(url, CURLUPART_FRAGMENT))
		/* Not shown: it may hold a password. */
		return error_set(err, ERROR_FATAL,
				 "the server's URL must have no user, query or fragment");
	return true;
}

static char *printed(const char *format, ...) PRINTF_LIKE(1, 2);
static char *printed(const char *format, ...)
{
	struct strbuf text = STRBUF_INIT;
	va_list args;
	va_start(args, format);
	strbuf_vaddf(&text, format, args);
	va_end(args);
	return strbuf_take(&text);
}

static void free_text(char **text)
{
	free(*text);
}

static bool address_init(struct identity *identity, const struct endpoint *endpoint,
			 struct error *err)
{
	CLEANUP(url_parts_release) struct url_parts parts = {0};
	if (!split_url(endpoint->server, &parts, err))
		return false;
	identity->tls = strcmp(parts.scheme, "https") == 0;
	size_t prefix = strlen(parts.path);
	while (prefix > 0 && parts.path[prefix - 1] == '/')
		prefix--;
	identity->shown = printed("%s:%s", parts.host, parts.port);
	const char *name = parts.host;
	if (identity->tls && endpoint->tls_server_name && *endpoint->tls_server_name) {
		name = endpoint->tls_server_name;
		CLEANUP(free_text)
		char *route = printed("%s:%s:%s", name, parts.port, identity->shown);
		identity->connect_to = curl_slist_append(NULL, route);
		CHECK(identity->connect_to);
		identity->host_header = printed("Host: %s", identity->shown);
	}
	identity->base =
	    printed("%s://%s:%s%.*s", parts.scheme, name, parts.port, (int)prefix, parts.path);
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

bool identity_init(struct identity *identity, const struct endpoint *endpoint, int64_t now_ms,
		   struct error *err)
{
	memset(identity, 0, sizeof(*identity));
	identity->insecure = endpoint->insecure_skip_verify;
	identity->next_look_ms = now_ms + LOOK_EVERY_MS;
	if (endpoint->user_agent)
		identity->user_agent = xstrdup(endpoint->user_agent);
	if (address_init(identity, endpoint, err) && materials_init(identity, endpoint, err))
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
	material_release(&identity->ca);
	material_release(&identity->cert);
	material_release(&identity->key);
	material_release(&identity->token);
	memset(identity, 0, sizeof(*identity));
}

void identity_refresh(struct identity *identity, int64_t now_ms)
{
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
}

static void set_blob(CURL *easy, CURLoption option, const struct material *material)
{
	struct curl_blob blob = {material->text, material->length, CURL_BLOB_COPY};
	if (material->text)
		curl_easy_setopt(easy, option, &blob);
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
}

struct curl_slist *identity_headers(const struct identity *identity, struct curl_slist *headers)
{
	CLEANUP(strbuf_release) struct strbuf line = STRBUF_INIT;
	if (identity->host_header)
		headers = curl_slist_append(headers, identity->host_header);
	if (identity->token.text) {
		strbuf_addf(&line, "Authorization: Bearer %s", identity->token.text);
		headers = curl_slist_append(headers, line.buf);
	}
	CHECK(headers || (!identity->host_header && !identity->token.text));
	return headers;
}
