/* The whole server: programs of steps (server_step.h) run on a service with a real
 * configuration, and nothing may be left of them. With FUZZ_WORDS=1 in the
 * environment each step is printed in words, and each message as it goes. */
#include "server_step.h"
#include "server_world.h"
#include <stdlib.h>

const char *__asan_default_options(void);
int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A program frees less than this: what it uses after it was freed is still found. */
const char *__asan_default_options(void)
{
	return "quarantine_size_mb=24:malloc_context_size=5:allocator_release_to_os_interval_ms=-1";
}

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
