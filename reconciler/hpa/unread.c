/*
 * A process that has just started knows only that it reads nothing yet: a revision that it finds
 * kept up stays so.
 */
#include "reconciler/hpa/unread.h"

#include "reconciler/hpa/message.h"

#define KEPT_AFTER_MS INT64_C(10000)
#define READ_FOR_MS INT64_C(30000)

static void forget(struct memo *memo)
{
	memo->unread_since_ms = 0;
	memo->read_since_ms = 0;
	memo->unread_kept = false;
	memo->unread_told = false;
}

static void begin(struct look *look)
{
	const struct scaled_object *so = look->view->so;
	struct memo *memo = &look->out->memo;

	memo->unread_since_ms = look->view->now_ms;
	memo->unread_kept = so && so->min_replicas > 0 && !so->idles;
}

static void unread(struct look *look)
{
	struct memo *memo = &look->out->memo;

	memo->read_since_ms = 0;
	if (memo->unread_since_ms == 0)
		begin(look);
	if (look->view->now_ms >= memo->unread_since_ms + KEPT_AFTER_MS)
		memo->unread_kept = true;
	else
		look_again_at(look, memo->unread_since_ms + KEPT_AFTER_MS);
}

static void read_again(struct look *look)
{
	struct memo *memo = &look->out->memo;

	if (memo->read_since_ms == 0)
		memo->read_since_ms = look->view->now_ms;
	if (!memo->unread_kept || look->view->now_ms >= memo->read_since_ms + READ_FOR_MS)
		forget(memo);
	else
		look_again_at(look, memo->read_since_ms + READ_FOR_MS);
}

bool unread_keeps(struct look *look)
{
	struct memo *memo = &look->out->memo;

	if (!http_metric_named(look->view->pa))
		forget(memo);
	else if (look->view->activators_unread)
		unread(look);
	else if (memo->unread_since_ms != 0)
		read_again(look);
	return memo->unread_kept;
}

const char *unread_note(struct look *look)
{
	struct memo *memo = &look->out->memo;
	const char *why = look->view->activators_why;

	if (!look->desired.kept || !look->view->activators_unread || memo->unread_told ||
	    look->view->now_ms < memo->unread_since_ms + KEPT_AFTER_MS)
		return NULL;
	memo->unread_told = true;
	return arena_printf(
	    look->arena,
	    "The activators cannot be read: %s. One pod at least is kept, and the metric %s scales "
	    "nothing meanwhile. Set metrics-protocol to prometheus in ConfigMap "
	    "config-observability, restart the activators, and let autoscaler-keda-hpa reach their "
	    "port 9090 (NetworkPolicy).",
	    why ? message_stable(look->arena, why) : "they do not answer",
	    look->desired.http.metric);
}
