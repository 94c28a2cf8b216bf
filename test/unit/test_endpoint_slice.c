/* EndpointSlices from JSON, and the places that several of them name together. */
#include "pkg/kube/endpoint_slice.h"

#include "test/lib/test.h"
#include "test/unit/quoted_json.h"

static struct object *decode(const char *name, const char *rest)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct object *object = endpoint_slice_decode(
	    quoted_json(arena, arena_printf(arena,
					    "{'metadata':{'namespace':'s','name':'%s',"
					    "'resourceVersion':'1'},%s}",
					    name, rest)),
	    &err);

	EXPECT_TEXT(error_text(&err), "");
	return object;
}

/* "10.0.0.1:9090 10.0.0.2:9090- ", a draining one with a dash. */
static void expect_places(const char *const *slices, const char *want)
{
	struct store *store = store_new(&(struct store_config){0});
	CLEANUP(endpoint_places_release) struct endpoint_places places;
	CLEANUP(strbuf_release) struct strbuf got = STRBUF_INIT;

	for (size_t i = 0; i < 3 && slices[i]; i++)
		store_put(store, decode((const char *[]){"a", "b", "c"}[i], slices[i]));
	endpoint_places_of(store, "http-metrics", 9090, &places);
	for (size_t i = 0; i < places.count; i++)
		strbuf_addf(&got, "%s%s ", places.items[i].address,
			    places.items[i].draining ? "-" : "");
	EXPECT_TEXT(got.buf, want);
	store_free(store);
}

#define V4(endpoints) "'addressType':'IPv4','endpoints':[" endpoints "]"
#define V6(endpoints) "'addressType':'IPv6','endpoints':[" endpoints "]"
#define AT(address, rest) "{'addresses':['" address "']" rest "}"
#define IS(conditions) ",'conditions':{" conditions "}"
#define POD(uid) ",'targetRef':{'kind':'Pod','uid':'" uid "'}"

TEST(endpoint_slice, which_pods_count)
{
	static const struct {
		const char *conditions, *want;
	} rows[] = {
	    {"", "10.0.0.1:9090 "},
	    {"'ready':true", "10.0.0.1:9090 "},
	    {"'ready':true,'serving':true,'terminating':false", "10.0.0.1:9090 "},
	    {"'ready':true,'serving':false", "10.0.0.1:9090 "},
	    {"'serving':true", "10.0.0.1:9090 "},
	    {"'ready':false", ""},
	    {"'serving':false", ""},
	    {"'ready':false,'serving':false,'terminating':false", ""},
	    {"'ready':false,'serving':true,'terminating':true", "10.0.0.1:9090- "},
	    {"'ready':false,'serving':false,'terminating':true", "10.0.0.1:9090- "},
	    {"'ready':null,'serving':null,'terminating':null", "10.0.0.1:9090 "},
	    {"'ready':'false'", "10.0.0.1:9090 "},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(arena_freep) struct arena *arena = arena_new();
		const char *slice =
		    arena_printf(arena, V4(AT("10.0.0.1", IS("%s"))), rows[i].conditions);

		test_row("%s", rows[i].conditions);
		expect_places((const char *[]){slice, NULL}, rows[i].want);
	}
}

TEST(endpoint_slice, the_port)
{
	static const struct {
		const char *ports, *want;
	} rows[] = {
	    {"[{'name':'http','port':8012},{'name':'http-metrics','port':9091}]", "10.0.0.1:9091 "},
	    {"[{'name':'http','port':8012}]", "10.0.0.1:9090 "},
	    {"[{'port':8012}]", "10.0.0.1:9090 "},
	    {"[{'name':'http-metrics'}]", "10.0.0.1:9090 "}, /* "all ports" */
	    {"[{'name':'http-metrics','port':0}]", "10.0.0.1:9090 "},
	    {"[{'name':'http-metrics','port':65535}]", "10.0.0.1:65535 "},
	    {"[{'name':'http-metrics','port':65536}]", "10.0.0.1:9090 "},
	    {"[{'name':'http-metrics','port':'9091'}]", "10.0.0.1:9090 "},
	    {"['http-metrics',null]", "10.0.0.1:9090 "},
	    {"null", "10.0.0.1:9090 "},
	    {"{'http-metrics':9091}", "10.0.0.1:9090 "},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(arena_freep) struct arena *arena = arena_new();
		const char *slice =
		    arena_printf(arena, V4(AT("10.0.0.1", "")) ",'ports':%s", rows[i].ports);

		test_row("%s", rows[i].ports);
		expect_places((const char *[]){slice, NULL}, rows[i].want);
	}
}

TEST(endpoint_slice, addresses)
{
	static const struct {
		const char *slice, *want;
	} rows[] = {
	    {V4(""), ""},
	    {"'addressType':'IPv4'", ""},
	    {"'addressType':'IPv4','endpoints':null", ""},
	    {"'addressType':'IPv4','endpoints':['10.0.0.1',7,null,{}]", ""},
	    {V4("{'addresses':['10.0.0.1','10.0.0.2']}"), "10.0.0.1:9090 "},
	    {V4("{'addresses':[]}," AT("10.0.0.2", "")), "10.0.0.2:9090 "},
	    {V4("{'addresses':[7]}," AT("10.0.0.2", "")), "10.0.0.2:9090 "},
	    {V6(AT("fd00::1", "")), "[fd00::1]:9090 "},
	    /* What a URL might be made of. */
	    {V4(AT("10.0.0.1/x", "") "," AT("evil.test", "") "," AT("", "")), ""},
	    {V4(AT("u@10.0.0.1", "") "," AT("10.0.0.1 ", "") "," AT("0x7f.1", "")), ""},
	    {V6(AT("fd00::1]", "") "," AT("fe80::1%eth0", "") "," AT("10.0.0.1", "")), ""},
	    {V4(AT("fd00::1", "")), ""},
	    {"'addressType':'FQDN','endpoints':[" AT("a.test", "") "," AT("10.0.0.1", "") "]", ""},
	    {"'endpoints':[" AT("10.0.0.1", "") "]", ""},
	    {"'addressType':4,'endpoints':[" AT("10.0.0.1", "") "]", ""},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		test_row("%s", rows[i].slice);
		expect_places((const char *[]){rows[i].slice, NULL}, rows[i].want);
	}
}

TEST(endpoint_slice, several_slices_are_one_service)
{
	static const struct {
		const char *slices[3], *want;
	} rows[] = {
	    {{NULL}, ""},
	    {{V4(AT("10.0.0.2", "") "," AT("10.0.0.1", "")), V4(AT("10.0.0.3", ""))},
	     "10.0.0.1:9090 10.0.0.2:9090 10.0.0.3:9090 "},
	    /* In two slices at once, as it moves; what is older says that it serves. */
	    {{V4(AT("10.0.0.1", "")), V4(AT("10.0.0.1", ""))}, "10.0.0.1:9090 "},
	    {{V4(AT("10.0.0.1", IS("'terminating':true"))), V4(AT("10.0.0.1", ""))},
	     "10.0.0.1:9090 "},
	    {{V4(AT("10.0.0.1", "")), V4(AT("10.0.0.1", IS("'terminating':true")))},
	     "10.0.0.1:9090 "},
	    {{V4(AT("10.0.0.1", IS("'terminating':true"))),
	      V4(AT("10.0.0.1", IS("'terminating':true")))},
	     "10.0.0.1:9090- "},
	    /* A pod of two families is read once, whichever slice came first. */
	    {{V6(AT("fd00::1", POD("p"))), V4(AT("10.0.0.1", POD("p")))}, "10.0.0.1:9090 "},
	    {{V4(AT("10.0.0.1", POD("p"))), V6(AT("fd00::1", POD("p")))}, "10.0.0.1:9090 "},
	    {{V4(AT("10.0.0.1", POD("p"))),
	      V6(AT("fd00::1", POD("p")) "," AT("fd00::2", POD("q")))},
	     "10.0.0.1:9090 [fd00::2]:9090 "},
	    {{V4(AT("10.0.0.1", "") "," AT("10.0.0.2", "")), V6(AT("fd00::1", ""))},
	     "10.0.0.1:9090 10.0.0.2:9090 [fd00::1]:9090 "},
	    /* Each slice has ports of its own. */
	    {{V4(AT("10.0.0.1", "")) ",'ports':[{'name':'http-metrics','port':1}]",
	      V4(AT("10.0.0.2", ""))},
	     "10.0.0.1:1 10.0.0.2:9090 "},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		test_row("%zu: %s", i, rows[i].want);
		expect_places(rows[i].slices, rows[i].want);
	}
}

TEST(endpoint_slice, has_bounds)
{
	CLEANUP(strbuf_release) struct strbuf text = STRBUF_INIT;
	CLEANUP(endpoint_places_release) struct endpoint_places places;
	struct store *store = store_new(&(struct store_config){0});
	struct endpoint_slice *slice;

	/* 150 KB; json_parse allows 256. */
	strbuf_addstr(&text, "'addressType':'IPv4','endpoints':[");
	for (unsigned i = 0; i < 1500; i++)
		strbuf_addf(&text, "%s{'addresses':['10.0.%u.%u']}", i ? "," : "", i / 250,
			    i % 250);
	strbuf_addstr(&text, "],'ports':[");
	for (unsigned i = 0; i < 300; i++)
		strbuf_addf(&text, "%s{'port':%u}", i ? "," : "", i + 1);
	strbuf_addstr(&text, "]");
	slice = (struct endpoint_slice *)decode("a", text.buf);
	EXPECT_INT(slice->count, ENDPOINTS_MAX);
	EXPECT_INT(slice->port_count, ENDPOINT_PORTS_MAX);
	store_put(store, &slice->object);
	endpoint_places_of(store, "http-metrics", 9090, &places);
	EXPECT_INT(places.count, ENDPOINT_PLACES_MAX);
	store_free(store);
}

TEST(endpoint_slice, without_a_name_is_refused)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(error_clear) struct error err = ERROR_INIT;

	EXPECT(!endpoint_slice_decode(quoted_json(arena, "{'metadata':{}}"), &err));
	EXPECT_INT(err.kind, ERROR_INVALID);
}

TEST_MAIN(TEST_OF(endpoint_slice, which_pods_count), TEST_OF(endpoint_slice, the_port),
	  TEST_OF(endpoint_slice, addresses),
	  TEST_OF(endpoint_slice, several_slices_are_one_service),
	  TEST_OF(endpoint_slice, has_bounds), TEST_OF(endpoint_slice, without_a_name_is_refused))
