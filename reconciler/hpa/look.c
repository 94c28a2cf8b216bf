/* The nearest appointment wins. */
#include "reconciler/hpa/look.h"

void look_again_at(struct look *look, int64_t at_ms)
{
	int64_t delay = at_ms - look->view->now_ms;

	if (delay < 1)
		delay = 1;
	if (look->out->again_ms == 0 || delay < look->out->again_ms)
		look->out->again_ms = delay;
}
