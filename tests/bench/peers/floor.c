/* The floor: the least that a server with one thread can do for its viewers.
 *
 * An epoll loop that writes each piece to each viewer with one send(). It parses no more of a request
 * than its path, formats a piece once for all viewers of a transport, keeps nothing, and drops a
 * viewer whose socket is full. What a piece costs here, the kernel and one system call cost.
 *
 *     cc -O2 -o floor floor.c && ./floor PORT
 *
 *     GET /polling                          one JSON object
 *     GET /chunked, /events, /ws            a piece every 100 ms
 *     GET /<name>/chunked, /events, /ws     the pieces that /bench/go starts, for all names
 *     GET /bench/go?pieces=40&every=0.1     begin
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 65536, EVENTS = 1024 };
enum transport { NONE, CHUNKED, SSE, WEBSOCKET, TRANSPORTS };

static const double TICK = 0.01, PACE = 0.1;

/* By file descriptor. `due` is the time of the next piece, and 0 for a viewer of a live stream. */
static struct viewer { enum transport transport; double due; } viewers[MOST];
static int highest;

static double live_due, live_every;
static long live_left;

static long long nanoseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static double seconds(void) { return nanoseconds() / 1e9; }

static void leave(int fd) {
    viewers[fd].transport = NONE;
    close(fd);
}

static void write_once(int fd, const char *data, size_t length) {
    if (send(fd, data, length, MSG_NOSIGNAL) != (ssize_t)length) leave(fd);
}

/* Frame a text for a transport. Return the number of bytes. */
static int frame(enum transport transport, const char *text, char *out) {
    int length = strlen(text);
    switch (transport) {
    case CHUNKED: return sprintf(out, "%x\r\n%s\r\n", length, text);
    case SSE: return sprintf(out, "%x\r\ndata: %s\n\n\r\n", length + 8, text);
    default: return sprintf(out, "\x81%c%s", length, text);
    }
}

/* Send a piece to the viewers that are due, all of a live stream or some of the paced ones. */
static void deliver(double now, int live, const char *text) {
    char framed[TRANSPORTS][128];
    int lengths[TRANSPORTS];
    for (int transport = CHUNKED; transport < TRANSPORTS; transport++)
        lengths[transport] = frame(transport, text, framed[transport]);
    for (int fd = 0; fd <= highest; fd++) {
        struct viewer *viewer = &viewers[fd];
        if (viewer->transport == NONE || (viewer->due == 0) != live || viewer->due > now) continue;
        if (!live) viewer->due += PACE;
        write_once(fd, framed[viewer->transport], lengths[viewer->transport]);
    }
}

static void answer(int fd, const char *request) {
    const char *events = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                         "Transfer-Encoding: chunked\r\n\r\n",
               *text = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
                       "Transfer-Encoding: chunked\r\n\r\n",
               /* The answer to the key that all clients of the benchmark send. */
               *upgrade = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                          "Connection: Upgrade\r\n"
                          "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
               *object = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                         "Content-Length: 19\r\n\r\n{\"message\":\"piece\"}";
    char path[256] = "", *last;
    if (sscanf(request, "GET %255s", path) != 1 || !(last = strrchr(path, '/'))) {
        leave(fd);
        return;
    }
    if (!strncmp(path, "/bench/go", 9)) {
        const char *pieces = strstr(path, "pieces="), *every = strstr(path, "every=");
        live_left = pieces ? atol(pieces + 7) : 0;
        live_every = every ? atof(every + 6) : PACE;
        live_due = seconds();
    }
    enum transport transport = !strcmp(last, "/chunked") ? CHUNKED
                             : !strcmp(last, "/events")  ? SSE
                             : !strcmp(last, "/ws")      ? WEBSOCKET
                                                         : NONE;
    const char *head = transport == CHUNKED ? text : transport == SSE ? events
                     : transport == WEBSOCKET ? upgrade : object;
    write_once(fd, head, strlen(head));
    viewers[fd] = (struct viewer){transport, last == path ? seconds() : 0};
}

int main(int count, char **arguments) {
    static char request[65536];
    struct epoll_event ready[EVENTS], interest = {.events = EPOLLIN};
    int on = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), poll = epoll_create1(0);
    struct sockaddr_in address = {.sin_family = AF_INET};
    address.sin_port = htons(count > 1 ? atoi(arguments[1]) : 8000);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, (void *)&address, sizeof address) || listen(listener, 4096)) {
        perror("floor");
        return 1;
    }
    interest.data.fd = listener;
    epoll_ctl(poll, EPOLL_CTL_ADD, listener, &interest);
    for (double tick = seconds();;) {
        double now = seconds();
        while (tick <= now) tick += TICK;
        int found = epoll_wait(poll, ready, EVENTS, (tick - now) * 1000 + 1);
        for (int i = 0; i < found; i++) {
            int fd = ready[i].data.fd;
            if (fd == listener) {
                while ((fd = accept4(listener, 0, 0, SOCK_NONBLOCK)) >= 0) {
                    if (fd >= MOST) { close(fd); continue; }
                    if (fd > highest) highest = fd;
                    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
                    interest.data.fd = fd;
                    epoll_ctl(poll, EPOLL_CTL_ADD, fd, &interest);
                }
                continue;
            }
            ssize_t length = read(fd, request, sizeof request - 1);
            if (length <= 0) { leave(fd); continue; }
            request[length] = 0;
            answer(fd, request);
        }
        if ((now = seconds()) < tick) continue;
        deliver(now, 0, "piece ");
        if (live_left > 0 && live_due <= now) {
            char text[64];
            sprintf(text, "@%lld@ piece ", nanoseconds());
            deliver(now, 1, text);
            live_left--;
            live_due += live_every;
        }
    }
}
