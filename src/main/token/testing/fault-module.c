/*
 * A PKCS#11 module that is SoftHSM (FAULT_MODULE) except for what FAULT names. Each call of interest adds a letter to FAULT_LOG:
 * I C_SignInit, S C_Sign, L C_Login, G C_GenerateKeyPair, and a hanging C_Sign the number of its process.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef unsigned long ulong_t;
struct functions { unsigned char major, minor; void *call[68]; };
struct attribute { ulong_t type; void *value; ulong_t length; };
enum { GET_SLOT_LIST = 4, GET_TOKEN_INFO = 6, LOGIN = 18, GET_ATTRIBUTE_VALUE = 24, SIGN_INIT = 42, SIGN = 43, GENERATE_KEY_PAIR = 59 };

static struct functions *real, ours;
static int signs, logins, generated;

static int fault(const char *name) { const char *set = getenv("FAULT"); return set && strcmp(set, name) == 0; }
static void note(const char *text) {
  const char *path = getenv("FAULT_LOG");
  int file = path ? open(path, O_WRONLY | O_APPEND | O_CREAT, 0600) : -1;
  if (file >= 0) { if (write(file, text, strlen(text)) < 0) _exit(3); close(file); }
}
static int due(void) { const char *after = getenv("FAULT_AFTER"); return signs > (after ? atoi(after) : 0); }

static ulong_t sign(ulong_t session, void *data, ulong_t length, unsigned char *out, ulong_t *out_length) {
  ulong_t (*call)(ulong_t, void *, ulong_t, unsigned char *, ulong_t *) = real->call[SIGN];
  signs += 1;
  note("S");
  if (due()) {
    if (fault("hang")) { char text[32]; snprintf(text, sizeof text, "%d\n", getpid()); note(text); for (;;) pause(); }
    if (fault("abort")) abort();
    if (fault("segfault")) raise(SIGSEGV);
    if (fault("exit")) _exit(0);
    if (fault("delay") || fault("yubico")) usleep(400000);
    if (fault("removed")) return 0x32;       /* CKR_DEVICE_REMOVED */
    if (fault("no-touch")) return 0x101;     /* CKR_USER_NOT_LOGGED_IN */
    if (fault("full")) return 0x31;          /* CKR_DEVICE_MEMORY */
  }
  ulong_t answer = call(session, data, length, out, out_length);
  if (due() && answer == 0 && (fault("garbage") || fault("swap"))) out[*out_length / 2] ^= 1;
  if (due() && answer == 0 && fault("short")) *out_length -= 1;
  return answer;
}
static ulong_t sign_init(ulong_t session, void *mechanism, ulong_t key) {
  ulong_t (*call)(ulong_t, void *, ulong_t) = real->call[SIGN_INIT];
  note("I");
  return call(session, mechanism, key);
}
static ulong_t login(ulong_t session, ulong_t user, unsigned char *pin, ulong_t length) {
  ulong_t (*call)(ulong_t, ulong_t, unsigned char *, ulong_t) = real->call[LOGIN];
  note("L");
  logins += 1;
  if (fault("login-hangs") || (fault("second-login-hangs") && logins == 2)) for (;;) pause();
  return call(session, user, pin, length);
}
/* CK_TOKEN_INFO: label[32] manufacturer[32] model[16] serial[16] flags */
static ulong_t token_info(ulong_t slot, unsigned char *info) {
  ulong_t (*call)(ulong_t, unsigned char *) = real->call[GET_TOKEN_INFO];
  if (fault("info-crash")) abort();
  ulong_t answer = call(slot, info);
  ulong_t *flags = (ulong_t *)(info + 96);
  int two = memcmp(info, "two ", 4) == 0;
  if (fault("final-try") || (two && fault("two-final-try"))) *flags |= 0x20000;
  if (fault("locked") || (two && fault("two-locked"))) *flags |= 0x40000;
  if (fault("twins")) memcpy(info + 80, "0000000000000001", 16);
  if (fault("yubico")) {
    memset(info + 32, ' ', 48);
    memcpy(info + 32, "Yubico (www.yubico.com)", 23);
    memcpy(info + 64, "YubiKey YK5", 11);
  }
  if (fault("no-serial")) memset(info + 80, ' ', 16);
  return answer;
}
static ulong_t attributes(ulong_t session, ulong_t object, struct attribute *list, ulong_t count) {
  ulong_t (*call)(ulong_t, ulong_t, struct attribute *, ulong_t) = real->call[GET_ATTRIBUTE_VALUE];
  ulong_t answer = call(session, object, list, count);
  if (answer == 0 && list->value && fault("generate-unprotected") && list->type == 0x103) *(unsigned char *)list->value = 0;
  if (answer == 0 && list->value && fault("generate-extractable") && list->type == 0x162) *(unsigned char *)list->value = 1;
  /* The modulus of the new key is another one each time that it is read. */
  if (answer == 0 && list->value && fault("generate-other-key") && generated && list->type == 0x120) ((unsigned char *)list->value)[20] ^= ++generated;
  if (answer == 0 && fault("swap") && signs > 0 && list->type == 0x120 && list->value) ((unsigned char *)list->value)[20] ^= 1;
  return answer;
}

static ulong_t generate(ulong_t session, void *mechanism, void *public, ulong_t publics, void *private, ulong_t privates, ulong_t *publicKey, ulong_t *privateKey) {
  ulong_t (*call)(ulong_t, void *, void *, ulong_t, void *, ulong_t, ulong_t *, ulong_t *) = real->call[GENERATE_KEY_PAIR];
  note("G");
  if (fault("generate-refuses")) return 0x10;  /* CKR_ATTRIBUTE_READ_ONLY */
  ulong_t answer = fault("generate-lies") ? 0 : call(session, mechanism, public, publics, private, privates, publicKey, privateKey);
  generated = 1;
  if (fault("generate-lies")) { *publicKey = 1; *privateKey = 2; }
  if (fault("generate-hangs")) for (;;) pause();
  if (fault("generate-aborts")) abort();
  if (fault("generate-removed")) return 0x32;  /* CKR_DEVICE_REMOVED */
  return answer;
}

static ulong_t slot_list(unsigned char present, ulong_t *slots, ulong_t *count) {
  ulong_t (*call)(unsigned char, ulong_t *, ulong_t *) = real->call[GET_SLOT_LIST];
  if (fault("no-reader") && access(getenv("FAULT_LOG"), F_OK) != 0) return 0x30; /* CKR_DEVICE_ERROR until the log exists */
  return call(present, slots, count);
}

ulong_t C_GetFunctionList(struct functions **out) {
  void *library = dlopen(getenv("FAULT_MODULE"), RTLD_NOW | RTLD_LOCAL);
  ulong_t (*get)(struct functions **) = library ? dlsym(library, "C_GetFunctionList") : NULL;
  if (!get || get(&real) != 0) return 5; /* CKR_GENERAL_ERROR */
  ours = *real;
  ours.call[GET_SLOT_LIST] = slot_list;
  ours.call[SIGN] = sign;
  ours.call[SIGN_INIT] = sign_init;
  ours.call[LOGIN] = login;
  ours.call[GET_TOKEN_INFO] = token_info;
  ours.call[GET_ATTRIBUTE_VALUE] = attributes;
  ours.call[GENERATE_KEY_PAIR] = generate;
  *out = &ours;
  return 0;
}
