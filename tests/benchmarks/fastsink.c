/*
 * An SMTP server that takes everything and keeps nothing, fast enough not to be what a benchmark measures.
 *
 *   fastsink [--port N] [--delay MS] [--no-pipelining] [--no-chunking] [--journal FILE]
 *
 * One process, one epoll loop, loopback only. It offers PIPELINING (RFC 2920), CHUNKING (RFC 3030), 8BITMIME, SMTPUTF8
 * and SIZE, and holds its clients to the order of commands that RFC 5321 asks for. It prints its port; on SIGUSR1 and
 * SIGTERM one line of JSON: what came in since the last such line.
 *
 *   --delay MS      every reply leaves so much later: a simulated round trip (it does not slow the bytes down)
 *   --journal FILE  the recipients of every accepted message, one a line, written before the message is answered
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { IN_SIZE = 1 << 18, MAX_EVENTS = 256, RECIPIENTS_SIZE = 4096, MAX_LINE = 4096 };

enum state { COMMANDS, DATA, CHUNK };

typedef struct session {
    int fd;
    uint64_t number; /* never used again, unlike the descriptor */
    enum state state;
    bool has_sender, is_start_of_data, is_last_chunk, is_quitting, is_waiting_to_write;
    size_t chunk_left;
    char *in;
    size_t in_size;
    char *out; /* replies not yet written; the first `ready` of them may leave */
    size_t out_size, out_room, ready;
    char recipients[RECIPIENTS_SIZE]; /* one a line */
    size_t recipients_size;
    struct session *next;
} session;

/* The delay is the same for all, so that what is due is always at the front. */
typedef struct {
    double at;
    int fd;
    uint64_t number;
    size_t size;
} due;

static struct {
    uint64_t messages, bytes, connections, distinct;
    double first, last;
} count;

static session **by_fd;
static size_t by_fd_size;
static uint64_t last_number;
static due *queue;
static size_t queue_size, queue_head, queue_count;
static uint64_t *seen; /* hashes of recipients; 0 is an empty place */
static size_t seen_size;
static int epoll;
static double delay;
static bool offers_pipelining = true, offers_chunking = true;
static FILE *journal;
static volatile sig_atomic_t is_stopping, is_asked;

static void on_signal(int signal_number) {
    if (signal_number == SIGUSR1)
        is_asked = 1;
    else
        is_stopping = 1;
}

static void die(const char *what) {
    perror(what);
    exit(1);
}

static void *checked(void *memory) {
    if (!memory)
        die("memory");
    return memory;
}

static double now(void) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

/* --- who was written to --------------------------------------------------------------------------------------------- */

static bool remember(uint64_t hash) {
    size_t at = hash & (seen_size - 1);
    while (seen[at] && seen[at] != hash)
        at = (at + 1) & (seen_size - 1);
    if (seen[at])
        return false;
    seen[at] = hash;
    return true;
}

static void count_recipient(const char *address, size_t size) {
    if (count.distinct * 2 >= seen_size) {
        uint64_t *old = seen;
        size_t old_size = seen_size;
        seen_size = old_size ? old_size * 4 : 1 << 16;
        seen = checked(calloc(seen_size, sizeof *seen));
        for (size_t at = 0; at < old_size; at++)
            if (old[at])
                remember(old[at]);
        free(old);
    }
    uint64_t hash = 14695981039346656037u; /* FNV-1a */
    for (size_t at = 0; at < size; at++)
        hash = (hash ^ (unsigned char)address[at]) * 1099511628211u;
    count.distinct += remember(hash | 1);
}

/* --- replies -------------------------------------------------------------------------------------------------------- */

static void reply(session *s, const char *text) {
    size_t size = strlen(text);
    if (s->out_size + size > s->out_room) {
        s->out_room = (s->out_size + size) * 2;
        s->out = checked(realloc(s->out, s->out_room));
    }
    memcpy(s->out + s->out_size, text, size);
    s->out_size += size;
}

static void close_session(session *s) {
    by_fd[s->fd] = NULL;
    close(s->fd);
    free(s->in);
    free(s->out);
    free(s);
}

/* Returns whether the session is still there. */
static bool write_ready(session *s) {
    while (s->ready) {
        ssize_t written = write(s->fd, s->out, s->ready);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0 && errno != EAGAIN) {
            close_session(s);
            return false;
        }
        if (written < 0)
            break;
        s->ready -= (size_t)written;
        s->out_size -= (size_t)written;
        memmove(s->out, s->out + written, s->out_size);
    }
    if (!s->out_size && s->is_quitting) {
        close_session(s);
        return false;
    }
    if ((s->ready > 0) != s->is_waiting_to_write) {
        s->is_waiting_to_write = s->ready > 0;
        struct epoll_event event = {.events = EPOLLIN | (s->ready ? EPOLLOUT : 0), .data.fd = s->fd};
        epoll_ctl(epoll, EPOLL_CTL_MOD, s->fd, &event);
    }
    return true;
}

static void enqueue(due entry) {
    if (queue_count == queue_size) {
        size_t size = queue_size ? queue_size * 2 : 1024;
        due *grown = checked(malloc(size * sizeof *grown));
        for (size_t at = 0; at < queue_count; at++)
            grown[at] = queue[(queue_head + at) % queue_size];
        free(queue);
        queue = grown, queue_size = size, queue_head = 0;
    }
    queue[(queue_head + queue_count++) % queue_size] = entry;
}

/* Lets the last `size` bytes of the replies go, at once or after the delay. */
static bool release(session *s, size_t size) {
    if (delay > 0) {
        if (size)
            enqueue((due){now() + delay, s->fd, s->number, size});
        return true;
    }
    s->ready += size;
    return write_ready(s);
}

static void release_due(void) {
    double at = now();
    while (queue_count && queue[queue_head].at <= at) {
        due entry = queue[queue_head];
        queue_head = (queue_head + 1) % queue_size;
        queue_count--;
        session *s = by_fd[entry.fd];
        if (s && s->number == entry.number) {
            s->ready += entry.size;
            write_ready(s);
        }
    }
}

/* --- the dialogue --------------------------------------------------------------------------------------------------- */

static void begin_again(session *s) {
    s->has_sender = false;
    s->recipients_size = 0;
}

static void accept_message(session *s) {
    char *line = s->recipients, *end = s->recipients + s->recipients_size;
    while (line < end) {
        char *stop = memchr(line, '\n', (size_t)(end - line));
        count_recipient(line, (size_t)(stop - line));
        line = stop + 1;
    }
    if (journal)
        fwrite(s->recipients, 1, s->recipients_size, journal);
    count.messages++;
    count.last = now();
    begin_again(s);
    reply(s, "250 2.0.0 taken\r\n");
}

static void on_recipient(session *s, const char *line, size_t size) {
    const char *open = memchr(line, '<', size), *close = memrchr(line, '>', size);
    size_t length = open && close > open ? (size_t)(close - open - 1) : 0;
    if (!s->has_sender)
        reply(s, "503 5.5.1 MAIL first\r\n");
    else if (!length)
        reply(s, "501 5.1.3 no address\r\n");
    else if (s->recipients_size + length + 1 > RECIPIENTS_SIZE)
        reply(s, "452 4.5.3 too many recipients\r\n");
    else {
        memcpy(s->recipients + s->recipients_size, open + 1, length);
        s->recipients_size += length;
        s->recipients[s->recipients_size++] = '\n';
        reply(s, "250 2.1.5 ok\r\n");
    }
}

static void end_chunk(session *s) {
    s->state = COMMANDS;
    if (!s->recipients_size)
        reply(s, "503 5.5.1 RCPT first\r\n");
    else if (s->is_last_chunk)
        accept_message(s);
    else
        reply(s, "250 2.0.0 go on\r\n");
}

static void on_chunk(session *s, const char *line, size_t size) {
    s->chunk_left = strtoul(line + 4, NULL, 10);
    s->is_last_chunk = memmem(line, size, " LAST", 5) != NULL;
    s->state = CHUNK;
    if (!s->chunk_left)
        end_chunk(s);
}

static void on_hello(session *s) {
    begin_again(s);
    reply(s, "250-sink.example\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-ENHANCEDSTATUSCODES\r\n");
    if (offers_pipelining)
        reply(s, "250-PIPELINING\r\n");
    if (offers_chunking)
        reply(s, "250-CHUNKING\r\n");
    reply(s, "250 SIZE 50000000\r\n");
}

static void on_command(session *s, const char *line, size_t size) {
    if (!strncasecmp(line, "MAIL", 4)) {
        if (s->has_sender) {
            reply(s, "503 5.5.1 one after the other\r\n");
            return;
        }
        s->has_sender = true;
        reply(s, "250 2.1.0 ok\r\n");
    } else if (!strncasecmp(line, "RCPT", 4))
        on_recipient(s, line, size);
    else if (!strncasecmp(line, "DATA", 4)) {
        if (!s->recipients_size) {
            reply(s, "503 5.5.1 RCPT first\r\n");
            return;
        }
        s->state = DATA;
        s->is_start_of_data = true;
        reply(s, "354 go on\r\n");
    } else if (!strncasecmp(line, "BDAT ", 5) && offers_chunking)
        on_chunk(s, line, size);
    else if (!strncasecmp(line, "EHLO", 4) || !strncasecmp(line, "HELO", 4))
        on_hello(s);
    else if (!strncasecmp(line, "RSET", 4)) {
        begin_again(s);
        reply(s, "250 2.0.0 ok\r\n");
    } else if (!strncasecmp(line, "NOOP", 4))
        reply(s, "250 2.0.0 ok\r\n");
    else if (!strncasecmp(line, "QUIT", 4)) {
        s->is_quitting = true;
        reply(s, "221 2.0.0 bye\r\n");
    } else
        reply(s, "500 5.5.2 unknown command\r\n");
}

/* The byte after the line of one dot that ends the data, or NULL. `is_start`: the text begins a line. */
static char *end_of_data(char *text, char *end, bool is_start) {
    if (is_start && end - text >= 3 && !memcmp(text, ".\r\n", 3))
        return text + 3;
    for (char *at = text; (at = memchr(at, '\n', (size_t)(end - at))); at++)
        if (end - at >= 4 && at[1] == '.' && at[2] == '\r' && at[3] == '\n' && at > text && at[-1] == '\r')
            return at + 4;
    return NULL;
}

/* Each returns how many bytes it has used up; 0 if it needs more. */
static size_t take_data(session *s, char *text, size_t size) {
    char *end = end_of_data(text, text + size, s->is_start_of_data);
    if (end) {
        count.bytes += (size_t)(end - text);
        s->state = COMMANDS;
        accept_message(s);
        return (size_t)(end - text);
    }
    if (size <= 4)
        return 0;
    s->is_start_of_data = false;
    count.bytes += size - 4;
    return size - 4;
}

static size_t take_chunk(session *s, size_t size) {
    size_t taken = size < s->chunk_left ? size : s->chunk_left;
    count.bytes += taken;
    s->chunk_left -= taken;
    if (!s->chunk_left)
        end_chunk(s);
    return taken;
}

static size_t take_command(session *s, char *text, size_t size) {
    char *newline = memchr(text, '\n', size);
    if (!newline) {
        if (size > MAX_LINE) {
            reply(s, "500 5.5.2 line too long\r\n");
            s->is_quitting = true;
        }
        return 0;
    }
    *newline = '\0';
    on_command(s, text, (size_t)(newline - text));
    return (size_t)(newline - text) + 1;
}

static void understand(session *s) {
    size_t at = 0, taken = 1;
    while (taken && at < s->in_size && !s->is_quitting) {
        char *text = s->in + at;
        size_t size = s->in_size - at;
        if (s->state == DATA)
            taken = take_data(s, text, size);
        else if (s->state == CHUNK)
            taken = take_chunk(s, size);
        else
            taken = take_command(s, text, size);
        at += taken;
    }
    s->in_size -= at;
    memmove(s->in, s->in + at, s->in_size);
}

/* --- the loop ------------------------------------------------------------------------------------------------------- */

static void read_from(session *s) {
    ssize_t size = read(s->fd, s->in + s->in_size, IN_SIZE - s->in_size);
    if (size < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (size <= 0) {
        close_session(s);
        return;
    }
    if (!count.first)
        count.first = now();
    s->in_size += (size_t)size;
    size_t before = s->out_size;
    understand(s);
    if (journal)
        fflush(journal);
    release(s, s->out_size - before);
}

static void accept_from(int listener) {
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), on = 1;
    if (fd < 0)
        return;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if ((size_t)fd >= by_fd_size) {
        size_t size = (size_t)fd * 2;
        by_fd = checked(realloc(by_fd, size * sizeof *by_fd));
        memset(by_fd + by_fd_size, 0, (size - by_fd_size) * sizeof *by_fd);
        by_fd_size = size;
    }
    session *s = checked(calloc(1, sizeof *s));
    s->fd = fd;
    s->number = ++last_number;
    s->in = checked(malloc(IN_SIZE));
    by_fd[fd] = s;
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
    count.connections++;
    reply(s, "220 sink.example ESMTP\r\n");
    release(s, s->out_size);
}

static void report(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    double cpu = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                 (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    static double cpu_before;
    printf("{\"messages\": %" PRIu64 ", \"bytes\": %" PRIu64 ", \"distinct\": %" PRIu64 ", \"connections\": %" PRIu64
           ", \"seconds\": %.6f, \"cpu_seconds\": %.6f}\n",
           count.messages, count.bytes, count.distinct, count.connections,
           count.messages ? count.last - count.first : 0.0, cpu - cpu_before);
    fflush(stdout);
    cpu_before = cpu;
    memset(&count, 0, sizeof count);
    memset(seen, 0, seen_size * sizeof *seen);
}

static int listen_on(int port) {
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    socklen_t size = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, (struct sockaddr *)&address, size) || listen(listener, 1024) ||
        getsockname(listener, (struct sockaddr *)&address, &size))
        die("listen");
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    return listener;
}

static void run(int listener) {
    struct epoll_event events[MAX_EVENTS], event = {.events = EPOLLIN, .data.fd = listener};
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
    while (!is_stopping) {
        double wait = queue_count ? queue[queue_head].at - now() : 1.0;
        int ready = epoll_wait(epoll, events, MAX_EVENTS, wait <= 0 ? 0 : (int)(wait * 1000) + 1);
        if (is_asked) {
            is_asked = 0;
            report();
        }
        for (int at = 0; at < ready; at++) {
            int fd = events[at].data.fd;
            if (fd == listener)
                accept_from(listener);
            else if (by_fd[fd] && (!(events[at].events & EPOLLOUT) || write_ready(by_fd[fd])) &&
                     events[at].events & (EPOLLIN | EPOLLHUP | EPOLLERR))
                read_from(by_fd[fd]);
        }
        release_due();
    }
}

int main(int argc, char **argv) {
    int port = 0;
    for (int at = 1; at < argc; at++) {
        if (!strcmp(argv[at], "--no-pipelining"))
            offers_pipelining = false;
        else if (!strcmp(argv[at], "--no-chunking"))
            offers_chunking = false;
        else if (!strcmp(argv[at], "--port") && at + 1 < argc)
            port = atoi(argv[++at]);
        else if (!strcmp(argv[at], "--delay") && at + 1 < argc)
            delay = atof(argv[++at]) / 1000;
        else if (!strcmp(argv[at], "--journal") && at + 1 < argc)
            journal = checked(fopen(argv[++at], "a"));
        else {
            fprintf(stderr, "unknown option %s\n", argv[at]);
            return 2;
        }
    }
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGUSR1, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
    by_fd_size = 64;
    by_fd = checked(calloc(by_fd_size, sizeof *by_fd));
    seen_size = 1 << 16;
    seen = checked(calloc(seen_size, sizeof *seen));
    epoll = epoll_create1(EPOLL_CLOEXEC);
    run(listen_on(port));
    report();
    return 0;
}
