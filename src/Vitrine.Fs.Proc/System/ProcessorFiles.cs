using System.Globalization;
using System.Text;
using Vitrine.Cpu;
using Vitrine.Kernel;
using Vitrine.Kernel.Sched;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs.Generated;

namespace Vitrine.Fs.Proc.System;

/// <summary>cpuinfo, stat, uptime, loadavg (proc(5)).</summary>
internal static class ProcessorFiles
{
    /// <summary>USER_HZ: times in /proc/stat and PID/stat are in hundredths of a second.</summary>
    public const long TickNanoseconds = 10_000_000;

    // Bits of leaf 1 EDX, ECX, of 80000001 EDX, ECX and so on, in the order in which Linux prints their names.
    private static readonly (int Bit, string Name)[] Leaf1Edx =
    [
        (0, "fpu"), (1, "vme"), (2, "de"), (3, "pse"), (4, "tsc"), (5, "msr"), (6, "pae"), (7, "mce"), (8, "cx8"), (9, "apic"),
        (11, "sep"), (12, "mtrr"), (13, "pge"), (14, "mca"), (15, "cmov"), (16, "pat"), (17, "pse36"), (19, "clflush"),
        (23, "mmx"), (24, "fxsr"), (25, "sse"), (26, "sse2"), (28, "ht"),
    ];

    private static readonly (int Bit, string Name)[] ExtendedEdx =
        [(11, "syscall"), (20, "nx"), (26, "pdpe1gb"), (27, "rdtscp"), (29, "lm")];

    private static readonly (int Bit, string Name)[] Leaf1Ecx =
    [
        (0, "pni"), (1, "pclmulqdq"), (9, "ssse3"), (12, "fma"), (13, "cx16"), (19, "sse4_1"), (20, "sse4_2"), (22, "movbe"),
        (23, "popcnt"), (25, "aes"), (26, "xsave"), (28, "avx"), (29, "f16c"), (30, "rdrand"), (31, "hypervisor"),
    ];

    private static readonly (int Bit, string Name)[] ExtendedEcx = [(0, "lahf_lm"), (5, "abm")];

    private static readonly (int Bit, string Name)[] Leaf7Ebx =
        [(0, "fsgsbase"), (3, "bmi1"), (5, "avx2"), (8, "bmi2"), (9, "erms"), (18, "rdseed"), (19, "adx"), (23, "clflushopt"), (24, "clwb"), (29, "sha_ni")];

    private static readonly (int Bit, string Name)[] Leaf13Eax = [(0, "xsaveopt"), (1, "xsavec"), (2, "xgetbv1")];

    private static readonly (int Bit, string Name)[] Leaf7Ecx = [(8, "gfni"), (9, "vaes"), (10, "vpclmulqdq"), (22, "rdpid")];

    public static void CpuInfo(Task current, GeneratedText text)
    {
        int count = current.Kernel.Processors.Length;
        CpuLevel level = current.Kernel.Complex.Level;
        (ulong maximum, ulong b, ulong c, ulong d) = CpuModel.Leaf(level, 0, 0, 0);
        (ulong signature, _, ulong ecx, ulong edx) = CpuModel.Leaf(level, 1, 0, 0);
        (_, _, ulong extendedEcx, ulong extendedEdx) = CpuModel.Leaf(level, 0x80000001, 0, 0);
        ulong sizes = CpuModel.Leaf(level, 0x80000008, 0, 0).Eax;
        string vendor = Text(b) + Text(d) + Text(c);
        var brand = new StringBuilder();
        for (uint leaf = 0x80000002; leaf <= 0x80000004; leaf++)
        {
            (ulong w0, ulong w1, ulong w2, ulong w3) = CpuModel.Leaf(level, leaf, 0, 0);
            brand.Append(Text(w0)).Append(Text(w1)).Append(Text(w2)).Append(Text(w3));
        }

        var flags = new StringBuilder();
        Names(flags, edx, Leaf1Edx);
        Names(flags, extendedEdx, ExtendedEdx);
        // The TSC counts at one rate and never stops.
        flags.Append(" constant_tsc nopl nonstop_tsc cpuid tsc_known_freq");
        Names(flags, ecx, Leaf1Ecx);
        Names(flags, extendedEcx, ExtendedEcx);
        (_, ulong leaf7Ebx, ulong leaf7Ecx, _) = CpuModel.Leaf(level, 7, 0, 0);
        Names(flags, leaf7Ebx, Leaf7Ebx);
        Names(flags, CpuModel.Leaf(level, 13, 1, 0).Eax, Leaf13Eax);
        Names(flags, leaf7Ecx, Leaf7Ecx);
        double megahertz = CpuModel.TscFrequency / 1e6;
        for (int i = 0; i < count; i++)
        {
            text.Append("processor\t: ").Append(i);
            text.Append("\nvendor_id\t: ").Append(vendor);
            text.Append("\ncpu family\t: ").Append((signature >> 8) & 0xf);
            text.Append("\nmodel\t\t: ").Append(((signature >> 4) & 0xf) | ((signature >> 12) & 0xf0));
            text.Append("\nmodel name\t: ").Append(brand.ToString().TrimEnd('\0', ' '));
            text.Append("\nstepping\t: ").Append(signature & 0xf);
            text.Append("\ncpu MHz\t\t: ").Append(megahertz.ToString("F3", CultureInfo.InvariantCulture));
            text.Append("\ncache size\t: 8192 KB");
            text.Append("\nphysical id\t: 0\nsiblings\t: ").Append(count);
            text.Append("\ncore id\t\t: ").Append(i);
            text.Append("\ncpu cores\t: ").Append(count);
            text.Append("\napicid\t\t: ").Append(i).Append("\ninitial apicid\t: ").Append(i);
            text.Append("\nfpu\t\t: yes\nfpu_exception\t: yes\ncpuid level\t: ").Append(maximum);
            text.Append("\nwp\t\t: yes\nflags\t\t:").Append(flags.ToString());
            text.Append("\nbugs\t\t:\nbogomips\t: ").Append((megahertz * 2).ToString("F2", CultureInfo.InvariantCulture));
            text.Append("\nclflush size\t: 64\ncache_alignment\t: 64\naddress sizes\t: ");
            text.Append(sizes & 0xff).Append(" bits physical, ").Append((sizes >> 8) & 0xff).Append(" bits virtual");
            text.Append("\npower management:\n\n");
        }
    }

    public static void Stat(Task current, GeneratedText text)
    {
        KernelInstance kernel = current.Kernel;
        long user = 0, nice = 0, system = 0, idle = 0, steal = 0;
        foreach (Processor processor in kernel.Processors)
        {
            processor.Settle();
            user += processor.UserTime - processor.NiceTime;
            nice += processor.NiceTime;
            system += processor.SystemTime;
            idle += processor.IdleTimeNow;
            steal += processor.StealTime;
        }

        CpuLine(text, "cpu ", user, nice, system, idle, steal);
        foreach (Processor processor in kernel.Processors)
        {
            CpuLine(
                text, "cpu" + processor.Id.ToString(CultureInfo.InvariantCulture), processor.UserTime - processor.NiceTime, processor.NiceTime,
                processor.SystemTime, processor.IdleTimeNow, processor.StealTime);
        }

        text.Append("intr ").Append(kernel.InterruptCount).Append("\nctxt ").Append(kernel.Scheduler.ContextSwitches);
        text.Append("\nbtime ").Append(kernel.Time.BootRealtime / 1_000_000_000);
        text.Append("\nprocesses ").Append(kernel.Tasks.Forks);
        text.Append("\nprocs_running ").Append(Math.Max(kernel.Scheduler.Running, 1));
        text.Append("\nprocs_blocked ").Append(kernel.Scheduler.Blocked);
        text.Append("\nsoftirq 0 0 0 0 0 0 0 0 0 0 0\n");
    }

    public static void Uptime(Task current, GeneratedText text)
    {
        long idle = 0;
        foreach (Processor processor in current.Kernel.Processors)
            idle += processor.IdleTimeNow;
        Hundredths(text, current.Kernel.Time.Now.Nanoseconds).Append(' ');
        Hundredths(text, idle).Append('\n');
    }

    /// <summary>schedstat, version 15: for each processor yields, picks that found nobody, wake-ups, time run and waited (nanoseconds), turns.</summary>
    public static void SchedulerStatistics(Task current, GeneratedText text)
    {
        KernelInstance kernel = current.Kernel;
        text.Append("version 15\ntimestamp ").Append(kernel.Time.Now.Nanoseconds / Vitrine.Kernel.Time.Timekeeper.TickNanoseconds).Append('\n');
        foreach (Processor processor in kernel.Processors)
        {
            RunQueue queue = kernel.Scheduler.QueueOf(processor);
            text.Append("cpu").Append(processor.Id).Append(' ').Append(queue.Yields).Append(" 0 ").Append(queue.Picks + queue.IdlePicks);
            text.Append(' ').Append(queue.IdlePicks).Append(' ').Append(queue.WakeUps).Append(' ').Append(queue.LocalWakeUps);
            text.Append(' ').Append(queue.RunTime).Append(' ').Append(queue.RunDelay).Append(' ').Append(queue.Picks).Append('\n');
        }
    }

    public static void LoadAverages(Task current, GeneratedText text)
    {
        KernelInstance kernel = current.Kernel;
        LoadAverage load = kernel.Scheduler.Load;
        Average(text, load.One);
        Average(text, load.Five);
        Average(text, load.Fifteen);
        text.Append(Math.Max(kernel.Scheduler.Running, 1)).Append('/').Append(kernel.Tasks.Count).Append(' ');
        text.Append(current.Namespaces.Pid.Last).Append('\n');
    }

    /// <summary>Fixed point of 11 bits, rounded to hundredths.</summary>
    private static void Average(GeneratedText text, ulong value)
    {
        value += LoadAverage.One1 / 200;
        text.Append(value / LoadAverage.One1).Append('.');
        ulong fraction = value % LoadAverage.One1 * 100 / LoadAverage.One1;
        text.Append((char)('0' + (fraction / 10))).Append((char)('0' + (fraction % 10))).Append(' ');
    }

    private static GeneratedText Hundredths(GeneratedText text, long nanoseconds)
    {
        long hundredths = nanoseconds / TickNanoseconds;
        text.Append(hundredths / 100).Append('.');
        return text.Append((char)('0' + (hundredths / 10 % 10))).Append((char)('0' + (hundredths % 10)));
    }

    private static void CpuLine(GeneratedText text, string name, long user, long nice, long system, long idle, long steal)
    {
        text.Append(name).Append(' ').Append(user / TickNanoseconds).Append(' ').Append(nice / TickNanoseconds).Append(' ');
        text.Append(system / TickNanoseconds).Append(' ').Append(idle / TickNanoseconds).Append(" 0 0 0 ");
        text.Append(steal / TickNanoseconds).Append(" 0 0\n");
    }

    private static void Names(StringBuilder text, ulong bits, (int Bit, string Name)[] names)
    {
        foreach ((int bit, string name) in names)
        {
            if ((bits & (1UL << bit)) != 0)
                text.Append(' ').Append(name);
        }
    }

    private static string Text(ulong word) =>
        new([(char)(word & 0xff), (char)((word >> 8) & 0xff), (char)((word >> 16) & 0xff), (char)((word >> 24) & 0xff)]);
}
