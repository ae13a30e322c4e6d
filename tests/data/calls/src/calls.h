/* Two files of pbx that call one another, and net, which is called back and also calls
 * up: what tools/call-graph has to find. */
#ifndef CALLS_H
#define CALLS_H

int pbx_ask(int n);
int pbx_answer(int n);
int pbx_callback(int n);
int net_send(int n, int (*done)(int n));
int net_up(int n);

#endif
