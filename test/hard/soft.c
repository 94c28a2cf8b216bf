/*
 * A program that is built without any hardening: hack/hardening.sh has to miss all of it. Its
 * large buffer would be probed and guarded, and its copy checked.
 */
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
	char text[10000];
	memset(text, argc, sizeof(text));
	strncpy(text, argv[0], sizeof(text) - 1);
	return puts(text) < 0;
}
