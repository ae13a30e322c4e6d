/* main/run.h -- `sidetone run DIR`: a start for people at a terminal. */
#ifndef MAIN_RUN_H
#define MAIN_RUN_H

/* argv[0] is "run". Gives the exit code. */
int run_main(int argc, char **argv);

#endif
