/*
 * The addresses of an endpoint: the server's and its proxy's. Invariant: what is shown in a message
 * never holds a user or a password.
 */
#include <stdlib.h>
#include <string.h>

#include "pkg/base/check.h"
#include "pkg/base/strbuf.h"
#include "pkg/net/identity.h"

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
	    (strcmp(out->scheme, "https") != 0 && strcmp(out->scheme, "http") != 0)) {
		/* What has an @ may hold a password. */
		error_set(err, ERROR_FATAL, "server \"%s\" is not an http or https URL",
			  server && !strchr(server, '@') ? server : "");
		return false;
	}
	if (!absent(url, CURLUPART_USER) || !absent(url, CURLUPART_PASSWORD) ||
	    !absent(url, CURLUPART_QUERY) || !absent(url, CURLUPART_FRAGMENT)) {
		error_set(err, ERROR_FATAL,
			  "the server's URL must have no user, query or fragment");
		return false;
	}
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

bool identity_address(struct identity *identity, const struct endpoint *endpoint, struct error *err)
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

static const char *set_or_null(const char *text)
{
	return text && *text ? text : NULL;
}

/* Nothing of the URL is shown: it may hold a password. */
bool identity_proxy(struct identity *identity, const struct endpoint *endpoint, struct error *err)
{
	CLEANUP(url_parts_release) struct url_parts parts = {0};
	CLEANUP(url_free) CURLU *url = curl_url();
	const char *proxy = set_or_null(endpoint->proxy);
	identity->proxy_from_environment = endpoint->proxy_from_environment && !proxy;
	if (identity->proxy_from_environment)
		identity->proxy_shown = printed("%s or the environment's proxy", identity->shown);
	if (!proxy)
		return true;
	if (curl_url_set(url, CURLUPART_URL, proxy, CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK ||
	    curl_url_get(url, CURLUPART_SCHEME, &parts.scheme, 0) != CURLUE_OK ||
	    curl_url_get(url, CURLUPART_HOST, &parts.host, 0) != CURLUE_OK ||
	    (strcmp(parts.scheme, "http") != 0 && strcmp(parts.scheme, "https") != 0 &&
	     strcmp(parts.scheme, "socks5") != 0))
		return error_set(err, ERROR_FATAL,
				 "the proxy's URL is no http, https or socks5 URL");
	/* curl's own default is 1080 for all of them, Go's that of the scheme. */
	bool socks = strcmp(parts.scheme, "socks5") == 0;
	if (curl_url_get(url, CURLUPART_PORT, &parts.port, socks ? 0 : CURLU_DEFAULT_PORT))
		CHECK(curl_url_set(url, CURLUPART_PORT, "1080", 0) == CURLUE_OK &&
		      curl_url_get(url, CURLUPART_PORT, &parts.port, 0) == CURLUE_OK);
	else
		CHECK(curl_url_set(url, CURLUPART_PORT, parts.port, 0) == CURLUE_OK);
	/* net/http lets the proxy resolve names; to curl that is another scheme. */
	if (socks)
		CHECK(curl_url_set(url, CURLUPART_SCHEME, "socks5h", CURLU_NON_SUPPORT_SCHEME) ==
		      CURLUE_OK);
	char *whole = NULL;
	CHECK(curl_url_get(url, CURLUPART_URL, &whole, 0) == CURLUE_OK);
	identity->proxy = xstrdup(whole);
	curl_free(whole);
	identity->proxy_shown = printed("%s:%s", parts.host, parts.port);
	return true;
}
