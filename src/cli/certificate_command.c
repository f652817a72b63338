/* seltzer certificate: would the server take these two files? For the hook that brings a new certificate (docs/wire/http.md). */
#include <stdio.h>
#include <time.h>

#include "cli/cli.h"
#include "http/http.h"

const char *const cli_certificate_details =
    "  seltzer certificate check CERT KEY   looks at a certificate chain and its private key, both PEM, as the server\n"
    "                                       does before it takes them: readable, belonging together, valid today\n"
    "\n"
    "Prints the serial and the dates and exits 0, or says what is wrong and exits 1. A running server takes new files\n"
    "by itself when those of --tls-cert and --tls-key change; what it would not take it leaves aside, and says so in its log.\n";

static void print_day(const char *what, int64_t seconds)
{
    time_t t = seconds;
    struct tm tm;
    char text[32];
    if (gmtime_r(&t, &tm) && strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &tm))
        printf("%-8s %s\n", what, text);
}

int cli_certificate(int argc, char **argv)
{
    struct http_tls_state state;
    struct error err = {0};
    bool help;
    if (!cli_options(cli_find("certificate"), NULL, 0, &argc, argv, &help))
        return EXIT_USAGE;
    if (help)
        return EXIT_DONE;
    if (argc != 4 || strcmp(argv[1], "check") != 0) {
        cli_say("certificate: what is to be done? See seltzer certificate --help");
        return EXIT_USAGE;
    }
    if (!http_tls_check(argv[2], argv[3], &state, &err))
        return cli_fail(&err);
    printf("%-8s %s\n", "serial", state.serial);
    print_day("begins", state.begins_s);
    print_day("ends", state.ends_s);
    return EXIT_DONE;
}
