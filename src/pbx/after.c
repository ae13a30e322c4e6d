/* A command of the shell, run beside the server: a thread of its own waits for it. */
#define LOG_MODULE "pbx"
#include "pbx/after.h"
#include "base/log.h"
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

struct job {                    /* the waiting thread's */
	pid_t pid;
	char *remove[AFTER_REMOVE];     /* owned */
};

static void job_free(struct job *j)
{
	for (size_t i = 0; i < AFTER_REMOVE; i++)
		free(j->remove[i]);
	free(j);
}

static void finish(struct job *j)
{
	for (size_t i = 0; i < AFTER_REMOVE; i++)
		if (j->remove[i])
			unlink(j->remove[i]);
	job_free(j);
}

static void *wait_for(void *arg)
{
	struct job *j = arg;

	while (waitpid(j->pid, NULL, 0) < 0 && errno == EINTR)
		;
	finish(j);
	return NULL;
}

/* As a shell has it that nobody meddled with: our threads block signals. */
int after_spawn(pid_t *pid, char *command)
{
	char *argv[] = { (char[]){ "sh" }, (char[]){ "-c" }, command, NULL };
	posix_spawnattr_t attr;
	sigset_t set;
	int err = posix_spawnattr_init(&attr);

	if (err)
		return err;
	sigemptyset(&set);
	posix_spawnattr_setsigmask(&attr, &set);
	sigfillset(&set);
	posix_spawnattr_setsigdefault(&attr, &set);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	err = posix_spawn(pid, "/bin/sh", NULL, &attr, argv, environ);
	posix_spawnattr_destroy(&attr);
	return err;
}

static int wait_beside(struct job *j)
{
	sigset_t all, was;
	pthread_attr_t attr;
	pthread_t id;
	int err;

	sigfillset(&all);
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_sigmask(SIG_SETMASK, &all, &was);
	err = pthread_create(&id, &attr, wait_for, j);
	pthread_sigmask(SIG_SETMASK, &was, NULL);
	pthread_attr_destroy(&attr);
	return err;
}

void after_run(const struct after_prm *prm)
{
	struct job *j = calloc(1, sizeof(*j));
	char *command = prm->command.n ? str_dup(prm->command) : NULL;
	int err = j && (command || !prm->command.n) ? 0 : ENOMEM;

	for (size_t i = 0; i < prm->nremove && !err; i++)
		if (prm->remove[i].n && !(j->remove[i] = str_dup(prm->remove[i])))
			err = ENOMEM;
	if (!err && command)
		err = after_spawn(&j->pid, command);
	if (err)
		log_error("A command could not be run: %s: %.*s", strerror(err), STR_ARG(prm->command));
	if (j && !err && command && wait_beside(j))
		log_error("Nobody waits for a command's end: no memory for a thread");
	else if (j && !err && command)
		j = NULL;
	if (j)
		finish(j);
	free(command);
}
