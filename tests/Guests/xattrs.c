/* Extended attributes.
 * covers: setxattr lsetxattr fsetxattr getxattr lgetxattr fgetxattr listxattr llistxattr flistxattr removexattr lremovexattr fremovexattr
 */
#include "check.h"
#include <sys/xattr.h>

static char value[100], list[200];

int main(void)
{
    int fd = open("f", O_CREAT | O_RDWR, 0644);
    symlink("f", "l");
    SHOW(setxattr("f", "user.a", "one", 3, 0));
    SHOW(setxattr("f", "user.a", "two!", 4, XATTR_CREATE));
    SHOW(setxattr("f", "user.b", "two!", 4, XATTR_REPLACE));
    SHOW(setxattr("f", "user.a", "three", 5, XATTR_REPLACE));
    SHOW(setxattr("f", "user.b", "", 0, XATTR_CREATE));
    SHOW(setxattr("f", "user.c", "x", 1, 99));
    SHOW(setxattr("f", "nonsense", "x", 1, 0));
    SHOW(setxattr("f", "", "x", 1, 0));
    SHOW(setxattr("missing", "user.a", "x", 1, 0));
    SHOW(setxattr("f", "user.c", "x", 70000, 0));
    SHOW(setxattr("f", BAD, "x", 1, 0));
    SHOW(setxattr("f", "user.c", BAD, 1, 0));
    SHOW(lsetxattr("l", "user.a", "x", 1, 0));
    SHOW(lsetxattr("f", "user.l", "link", 4, 0));
    SHOW(lsetxattr("missing", "user.a", "x", 1, 0));
    SHOW(fsetxattr(fd, "user.f", "file", 4, 0));
    SHOW(fsetxattr(99, "user.f", "file", 4, 0));
    SHOW(fsetxattr(fd, "user.f", "file", 4, XATTR_CREATE));
    SHOW(getxattr("f", "user.a", value, sizeof value));
    printf("%.5s\n", value);
    SHOW(getxattr("l", "user.a", value, sizeof value));
    SHOW(getxattr("f", "user.a", NULL, 0));
    SHOW(getxattr("f", "user.a", value, 2));
    SHOW(getxattr("f", "user.z", value, sizeof value));
    SHOW(getxattr("missing", "user.a", value, sizeof value));
    SHOW(getxattr("f", "user.a", BAD, 50));
    SHOW(getxattr("f", "user.b", value, sizeof value));
    SHOW(lgetxattr("f", "user.l", value, sizeof value));
    SHOW(lgetxattr("l", "user.a", value, sizeof value) < 0);
    SHOW(lgetxattr("missing", "user.a", value, sizeof value));
    SHOW(lgetxattr("f", "user.z", value, sizeof value));
    SHOW(fgetxattr(fd, "user.f", value, sizeof value));
    SHOW(fgetxattr(99, "user.f", value, sizeof value));
    SHOW(fgetxattr(fd, "user.z", value, sizeof value));
    long length = listxattr("f", list, sizeof list);
    int count = 0;
    for (char *name = list; name < list + length; name += strlen(name) + 1)
        if (!strncmp(name, "user.", 5))
            count++;
    printf("%d names\n", count);
    SHOW(listxattr("f", list, 3));
    SHOW(listxattr("missing", list, sizeof list));
    SHOW(listxattr("f", NULL, 0) == length);
    SHOW(llistxattr("f", list, sizeof list) == length);
    SHOW(llistxattr("missing", list, sizeof list));
    SHOW(llistxattr("f", list, 3));
    SHOW(flistxattr(fd, list, sizeof list) == length);
    SHOW(flistxattr(99, list, sizeof list));
    SHOW(flistxattr(fd, list, 3));
    SHOW(removexattr("f", "user.a"));
    SHOW(removexattr("f", "user.a"));
    SHOW(removexattr("missing", "user.a"));
    SHOW(lremovexattr("f", "user.l"));
    SHOW(lremovexattr("f", "user.l"));
    SHOW(lremovexattr("missing", "user.l"));
    SHOW(fremovexattr(fd, "user.f"));
    SHOW(fremovexattr(fd, "user.f"));
    SHOW(fremovexattr(99, "user.f"));
    chmod("f", 0444);
    mkdir("d", 0755);
    SHOW(setxattr("d", "user.dir", "d", 1, 0));
    mknod("p", S_IFIFO | 0644, 0);
    SHOW(setxattr("p", "user.x", "d", 1, 0));
    return 0;
}
