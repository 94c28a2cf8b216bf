/* Known members by their exact case, at any depth; unknown ones pass. */
#include "reconciler/hpa/shape.h"

#include "test/lib/test.h"
#include "test/unit/quoted_json.h"

static const struct shape inner[] = {{"value", JSON_NUMBER, NULL}, {0}};
static const struct shape outer[] = {
    {"list", JSON_ARRAY, inner},
    {"object", JSON_OBJECT, inner},
    {"text", JSON_STRING, NULL},
    {"any", JSON_NULL, NULL},
    {0},
};

TEST(shape, table)
{
	static const struct {
		const char *json, *refused; /* NULL: fine */
	} rows[] = {
	    {"{}", NULL},
	    {"{'list':[{'value':1},{}],'object':{'value':1.5},'text':'','any':[]}", NULL},
	    {"{'list':null,'object':null,'text':null,'any':null}", NULL},
	    {"{'other':{'VALUE':1},'any':{'Value':1}}", NULL},
	    {"{'text':'x','Texts':1}", NULL},
	    {"{'list':['x',1,[{'Value':1}]]}", NULL},
	    {"{'Text':'x'}", "K: 1:9: \"x\" stands under the key \"Text\", which is "
			     "not known; use \"text\""},
	    {"{'text':'x','TEXT':'y'}", "1:20"},
	    {"{'object':{'Value':1}}", "\"Value\", which is not known; use \"value\""},
	    {"{'list':[{},{'vALUE':1}]}", "\"vALUE\", which is not known; use \"value\""},
	    {"{'text':1}", "K: 1:9: 1 is a number; text must be a string"},
	    {"{'text':true}", "is true or false; text must be a string"},
	    {"{'list':{}}", "is an object; list must be a list"},
	    {"{'object':[]}", "is a list; object must be an object"},
	    {"{'object':{'value':'1'}}", "\"1\" is a string; value must be a number"},
	};
	CLEANUP(arena_freep) struct arena *arena = arena_new();

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct refusal refusal = {0};
		test_row("%s", rows[i].json);
		bool ok =
		    shape_check(quoted_json(arena, rows[i].json), outer, "K", arena, &refusal);
		EXPECT_INT(ok, !rows[i].refused);
		if (rows[i].refused)
			EXPECT_CONTAINS(refusal.text, rows[i].refused);
		else
			EXPECT_TEXT(refusal.text, NULL);
	}
}

TEST_MAIN(TEST_OF(shape, table))
