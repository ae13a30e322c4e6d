/* The whole server: programs of steps (server_step.h) run on a service with a real
 * configuration, and nothing may be left of them. With FUZZ_WORDS=1 in the
 * environment each step is printed in words, and each message as it goes. */
#include "server_step.h"
#include "server_world.h"
#include <stdlib.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	world_once();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	program_run(data, size);
	return 0;
}
