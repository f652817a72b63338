/* SANITIZED: 1 in a build whose runtime traces the process to look for leaks, and runs a program that names the lines of its reports. */
#ifndef SELTZER_CLI_SANITIZED_H
#define SELTZER_CLI_SANITIZED_H

#ifdef __has_feature
#define HAS_FEATURE(x) __has_feature(x)
#else
#define HAS_FEATURE(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || HAS_FEATURE(address_sanitizer) || HAS_FEATURE(thread_sanitizer)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

#endif
