using Vitrine.Tests.Guests;

namespace Vitrine.Tests.Determinism;

/// <summary>A program that is run several times in deterministic mode.</summary>
internal sealed record WholeProgram(string Name, params string[] Command)
{
    /// <summary>On descriptor 0; null for /dev/null.</summary>
    public string? Input { get; init; }

    public Volume[] Volumes { get; init; } = [];

    /// <summary>A program of tests/Guests: its status is compared with the host's elsewhere.</summary>
    public bool IsGuest => Volumes.Length > 0;

    /// <summary>Run always; the others only when long tests are asked for.</summary>
    private static readonly WholeProgram[] Usual =
    [
        new("bash", "bash", "-c", "seq 1 1500 | sort -r | awk '{s += $1} END {print s}'; for i in 1 2 3; do echo $RANDOM; done; (sleep 5; echo late) & wait; cat /proc/loadavg /proc/uptime"),
        new("python3", "python3", "-S", "-c", """
            import threading, random, time, os
            found = {}
            def work(n):
                for i in range(400):
                    found[(n, i)] = hash(str(i)) ^ random.getrandbits(30)
                    if i % 100 == 0: time.sleep(0.01 * random.random())
            threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
            [t.start() for t in threads]; [t.join() for t in threads]
            print(len(found), sum(found.values()) % 1000007, {str(i) for i in range(10)}, time.time(), os.urandom(8).hex(), id(found))
            """),
        new("perl", "perl", "-e", "my %h; $h{rand()} = $_ for 1..1000; print join(',', (keys %h)[0..3]), \"\\n\"; print time, ' ', $$, \"\\n\""),
        new("gcc", "gcc", "-O1", "-x", "c", "-c", "-o", "/tmp/out.o", "-") { Input = "static int f(int n) { return n < 2 ? n : f(n - 1) + f(n - 2); } int main(void) { return f(20); }\n" },
        new("sqlite3", "sqlite3", ":memory:", "create table t(a, b); with recursive c(i) as (select 1 union all select i + 1 from c where i < 2000) insert into t select i, random() from c; select count(*), sum(b % 1000), max(b) from t;"),
        new("awk", "awk", "BEGIN { srand(); for (i = 0; i < 20000; i++) s += rand(); print s, srand() }"),
        new("sort", "sort", "-R", "--parallel=4") { Input = string.Join('\n', Enumerable.Range(0, 3000)) },
        Guest("threads"), Guest("signals"), Guest("timers"), Guest("futexes"), Guest("vector_state"),
    ];

    private static readonly string[] UnsuitedGuests =
    [
        // Several processors are what it is about.
        "litmus",
    ];

    private static readonly WholeProgram[] More =
    [
        new("python3 with its library", "python3", "-c", "import json, re, hashlib, asyncio, decimal; print(json.dumps({str(i): hash(str(i)) for i in range(1000)})[:200], hashlib.sha256(b'x' * 100000).hexdigest(), decimal.Decimal(2).sqrt())"),
        new("gcc -O2 and link", "sh", "-c", "printf '#include <stdio.h>\\n#include <math.h>\\nint main(void) { double s = 0; for (int i = 1; i < 100000; i++) s += sin(i) / i; printf(\"%%.17g\\\\n\", s); }' > a.c && gcc -O2 -o a a.c -lm && ./a"),
        new("node", "node", "-e", "console.log(Math.random(), new Date().toISOString()); const m = new Map(); for (let i = 0; i < 50000; i++) m.set('k' + i, i * Math.random()); console.log([...m.values()].reduce((a, b) => a + b)); setTimeout(() => console.log('later'), 2000)"),
        new("luajit", "luajit", "-e", "local t = {} for i = 1, 200000 do t[i] = math.sin(i) end table.sort(t) print(t[1], t[#t], os.time())"),
        new("tclsh", "tclsh") { Input = "puts [clock seconds]; puts [expr rand()]; for {set i 0} {$i < 20000} {incr i} {set a($i) $i}; puts [lrange [array names a] 0 5]\n" },
        new("xz", "sh", "-c", "seq 1 40000 | xz -6 | tee x.xz | sha256sum; xz -dc x.xz | sha256sum"),
        new("openssl", "sh", "-c", "openssl speed -seconds 1 -bytes 1024 sha256; openssl speed -seconds 1 -bytes 1024 -evp aes-128-gcm; openssl rand -hex 16"),
        new("git", "sh", "-c", "git init -q r && cd r && git config user.email a@b && git config user.name a && seq 1 500 > f && git add f && git commit -qm one && seq 2 501 > f && git commit -qam two && git log --stat && git gc -q && git rev-parse HEAD"),
        new("make -j4", "sh", "-c", "for i in 1 2 3 4 5 6; do echo \"int f$i(int x) { return x * $i; }\" > f$i.c; done; printf 'OBJS = f1.o f2.o f3.o f4.o f5.o f6.o\\nall: $(OBJS)\\n\\tld -r -o all.o $(OBJS)\\n' > Makefile; make -j4; sha256sum all.o"),
        new("jq", "jq", "-c", "[.[] | select(. % 7 == 0)] | length, now") { Input = "[" + string.Join(',', Enumerable.Range(0, 5000)) + "]" },
        new("bc", "bc", "-l") { Input = "scale = 300; a(1) * 4; e(1)\n" },
        new("busybox", "busybox", "sh", "-c", "busybox seq 1 2000 | busybox sort -r | busybox md5sum; busybox date"),
        new("tar and gzip", "sh", "-c", "tar cf - -C /usr/share/doc . 2>/dev/null | head -c 3000000 | gzip -9 | sha256sum"),
        new("find and sort", "sh", "-c", "find /etc /usr/lib/python3 2>/dev/null | sort -R | tail -n 3; ls -laR /etc | sha256sum; df /tmp"),
    ];

    public static bool IsLong { get; } = Environment.GetEnvironmentVariable("VITRINE_LONG_TESTS") == "1";

    /// <summary>Those whose first program the host has.</summary>
    public static IEnumerable<WholeProgram> All()
    {
        IEnumerable<WholeProgram> programs = Usual;
        if (IsLong)
        {
            programs = programs.Concat(More).Concat(GuestProgram.All()
                .Where(g => g.ReasonNotToJudge is null && !UnsuitedGuests.Contains(g.Name) && !Usual.Any(u => u.Name == g.Name))
                .Select(g => Guest(g.Name)));
        }

        return programs.Where(p => p.IsGuest ? HostRun.Has("gcc") : HostRun.Has(p.Command[0]));
    }

    public override string ToString() => Name;

    /// <summary>A program of tests/Guests, as it is built for the comparison with the host.</summary>
    private static WholeProgram Guest(string name) => new(name, "/guests/" + name)
    {
        Volumes = [new Volume(GuestProgram.BuildDirectory, "/guests", ReadOnly: true)],
    };

    /// <summary>The same with its guest program compiled.</summary>
    public WholeProgram Built()
    {
        if (!IsGuest)
            return this;
        GuestProgram guest = GuestProgram.All().Single(p => p.Name == Name);
        return this with { Command = ["/guests/" + Path.GetFileName(guest.Build(guest.Links[0])), .. guest.Arguments] };
    }
}
