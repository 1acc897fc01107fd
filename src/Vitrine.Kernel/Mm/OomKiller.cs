using System.Globalization;
using Vitrine.Kernel.Printk;
using Vitrine.Kernel.Signals;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Mm;

/// <summary>
/// The last resort (mm/oom_kill.c's part): picks the process whose death frees most, by resident memory, swap and page
/// tables, shifted by oom_score_adj, and kills it. While a victim is on its way out nobody else is killed.
/// </summary>
internal sealed class OomKiller(KernelInstance kernel)
{
    /// <summary>How long a victim may take before it is given up, in nanoseconds.</summary>
    private const long VictimPatience = 10_000_000_000;

    private const int NeverKill = -1000;

    private ThreadGroup? _victim;
    private long _killedAt;

    /// <summary>
    /// Called when an allocation has failed for good. True: memory is on its way (or <paramref name="current"/> is to
    /// die). False: there is nobody to kill.
    /// </summary>
    public bool Run(Task current, int order)
    {
        if (_victim is { } dying && HasMemory(dying) && kernel.Time.Now.Nanoseconds - _killedAt < VictimPatience)
            return true;
        _victim = null;
        DumpHeader(current, order);
        ThreadGroup? chosen = Select();
        if (chosen is null)
        {
            kernel.Log.Write(PrintkLevel.Warning, "Out of memory and no killable processes...");
            return false;
        }

        Kill(chosen);
        return true;
    }

    /// <summary>The badness of a process in pages; <see cref="long.MinValue"/> if it must not be killed (oom_badness).</summary>
    public long Badness(ThreadGroup group)
    {
        if (group.Leader.IsKernelThread || group.OomScoreAdjustment == NeverKill || MemoryOf(group) is not { } mm
            || group.Leader.Tid == 1)
        {
            return long.MinValue;
        }

        MmStatistics statistics = mm.Statistics;
        long points = statistics.Resident + statistics.Rss(RssKind.Swap) + statistics.TableFrames;
        return points + (group.OomScoreAdjustment * (kernel.Memory.TotalFrames / 1000));
    }

    /// <summary>What /proc/PID/oom_score shows: 0 to 2000.</summary>
    public long Score(ThreadGroup group)
    {
        long badness = Badness(group);
        return badness == long.MinValue ? 0 : Math.Max((1000 + (badness * 1000 / kernel.Memory.TotalFrames)) * 2 / 3, 0);
    }

    private ThreadGroup? Select()
    {
        ThreadGroup? chosen = null;
        long worst = long.MinValue;
        foreach (ThreadGroup group in kernel.Tasks.Processes)
        {
            long points = Badness(group);
            if (points > worst)
            {
                worst = points;
                chosen = group;
            }
        }

        return chosen;
    }

    private void Kill(ThreadGroup victim)
    {
        _victim = victim;
        _killedAt = kernel.Time.Now.Nanoseconds;
        MmStruct mm = MemoryOf(victim)!;
        MmStatistics s = mm.Statistics;
        Task leader = victim.Leader;
        kernel.Log.Write(PrintkLevel.Info, string.Create(
            CultureInfo.InvariantCulture,
            $"oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,task_memcg={leader.Cgroup.Path},task={leader.Comm},pid={leader.Tid},uid={leader.Credentials.Uid.Value}"));
        kernel.Log.Write(PrintkLevel.Error, string.Create(
            CultureInfo.InvariantCulture,
            $"Out of memory: Killed process {leader.Tid} ({leader.Comm}) total-vm:{Kilobytes(s.TotalVm)}kB, anon-rss:{Kilobytes(s.Rss(RssKind.Anonymous))}kB, file-rss:{Kilobytes(s.Rss(RssKind.File))}kB, shmem-rss:{Kilobytes(s.Rss(RssKind.Shmem))}kB, UID:{leader.Credentials.Uid.Value} pgtables:{Kilobytes(s.TableFrames)}kB oom_score_adj:{victim.OomScoreAdjustment}"));
        kernel.Memory.Vm.Add(VmCounter.OomKill, 1);

        // Whoever shares the memory keeps it from being freed.
        foreach (ThreadGroup other in kernel.Tasks.Processes)
        {
            if (other != victim && MemoryOf(other) == mm && !other.Leader.IsKernelThread)
                SignalSender.SendKernelToGroup(other, SignalNumber.Kill);
        }

        SignalSender.SendKernelToGroup(victim, SignalNumber.Kill);
    }

    private void DumpHeader(Task current, int order)
    {
        kernel.Log.Write(PrintkLevel.Warning, string.Create(
            CultureInfo.InvariantCulture,
            $"{current.Comm} invoked oom-killer: gfp_mask=0x140cca(GFP_HIGHUSER_MOVABLE|__GFP_COMP), order={order}, oom_score_adj={current.ThreadGroup.OomScoreAdjustment}"));
        VmStatistics vm = kernel.Memory.Vm;
        kernel.Log.Write(PrintkLevel.Warning, "Mem-Info:");
        kernel.Log.Write(PrintkLevel.Warning, string.Create(
            CultureInfo.InvariantCulture,
            $"active_anon:{vm[VmCounter.ActiveAnon]} inactive_anon:{vm[VmCounter.InactiveAnon]} isolated_anon:0\n active_file:{vm[VmCounter.ActiveFile]} inactive_file:{vm[VmCounter.InactiveFile]} isolated_file:0\n unevictable:{vm[VmCounter.Unevictable]} dirty:{vm[VmCounter.Dirty]} writeback:{vm[VmCounter.Writeback]}\n mapped:{vm[VmCounter.Mapped]} shmem:{vm[VmCounter.Shmem]} pagetables:{vm[VmCounter.PageTablePages]}\n free:{vm[VmCounter.FreePages]}"));
        foreach (Zone zone in kernel.Memory.Zones)
        {
            kernel.Log.Write(PrintkLevel.Warning, string.Create(
                CultureInfo.InvariantCulture,
                $"Node 0 {zone.Name} free:{Kilobytes(zone.Free)}kB min:{Kilobytes(zone.WatermarkMin)}kB low:{Kilobytes(zone.WatermarkLow)}kB high:{Kilobytes(zone.WatermarkHigh)}kB present:{Kilobytes(zone.Spanned)}kB managed:{Kilobytes(zone.Managed)}kB"));
        }

        kernel.Log.Write(PrintkLevel.Warning, string.Create(CultureInfo.InvariantCulture, $"{vm[VmCounter.FilePages]} total pagecache pages"));
        kernel.Log.Write(PrintkLevel.Info, "Tasks state (memory values in pages):");
        kernel.Log.Write(PrintkLevel.Info, "[  pid  ]   uid  tgid total_vm      rss rss_anon rss_file rss_shmem pgtables_bytes swapents oom_score_adj name");
        foreach (ThreadGroup group in kernel.Tasks.Processes)
        {
            if (MemoryOf(group) is not { } mm)
                continue;
            MmStatistics s = mm.Statistics;
            Task leader = group.Leader;
            kernel.Log.Write(PrintkLevel.Info, string.Create(
                CultureInfo.InvariantCulture,
                $"[{leader.Tid,7}] {leader.Credentials.Uid.Value,5} {leader.Tgid,5} {s.TotalVm,8} {s.Resident,8} {s.Rss(RssKind.Anonymous),8} {s.Rss(RssKind.File),8} {s.Rss(RssKind.Shmem),9} {s.TableFrames << Page.Shift,8} {s.Rss(RssKind.Swap),8}         {group.OomScoreAdjustment,5} {leader.Comm}"));
        }
    }

    /// <summary>The memory of a process: a leader that has exited may have threads that go on.</summary>
    private static MmStruct? MemoryOf(ThreadGroup group)
    {
        foreach (Task thread in group.Threads)
        {
            if (thread.Mm is { } mm)
                return mm;
        }

        return null;
    }

    private static bool HasMemory(ThreadGroup group) => MemoryOf(group) is not null;

    private static long Kilobytes(long pages) => pages << (Page.Shift - 10);
}
