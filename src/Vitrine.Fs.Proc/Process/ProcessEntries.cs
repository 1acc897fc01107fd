using Vitrine.Kernel.Vfs;
using Vitrine.Kernel.Vfs.Generated;

namespace Vitrine.Fs.Proc.Process;

/// <summary>What is in /proc/PID, in the order of listing.</summary>
internal static class ProcessEntries
{
    private const FileMode Directory = FileMode.Directory;
    private const FileMode Link = FileMode.Symlink;
    private const FileMode File = FileMode.Regular;
    private const FileMode Public = TextInode.ReadOnlyMode;
    private const FileMode Private = TextInode.PrivateMode;

    public static readonly ProcessEntry[] All =
    [
        new("task", Directory, false, c => new ThreadsDirectory(c)),
        new("fd", Directory, true, c => new DescriptorsDirectory(c, info: false)),
        new("fdinfo", Directory, true, c => new DescriptorsDirectory(c, info: true)),
        new("ns", Directory, true, c => new NamespacesDirectory(c)),
        new("net", Directory, true, c => new NetDirectory(c)),
        new("environ", File, true, c => new ProcessMemoryText(c, Private, environment: true)),
        new("auxv", File, true, c => new ProcessText(c, Private, ProcessMemoryFiles.Auxv, isPrivate: true)),
        new("status", File, true, c => new ProcessText(c, Public, ProcessStatus.Status)),
        new("personality", File, true, c => new ProcessText(c, Private, ProcessFiles.Personality, isPrivate: true)),
        new("limits", File, true, c => new ProcessText(c, Public, ProcessFiles.Limits)),
        new("comm", File, true, c => new ProcessSetting(c, TextInode.ReadWriteMode, ProcessFiles.Comm, ProcessFiles.SetComm)),
        new("syscall", File, true, c => new ProcessText(c, Private, ProcessFiles.Syscall, isPrivate: true)),
        new("cmdline", File, true, c => new ProcessMemoryText(c, Public, environment: false)),
        new("stat", File, true, c => new ProcessText(c, Public, ProcessStat.Stat)),
        new("statm", File, true, c => new ProcessText(c, Public, ProcessMemoryFiles.Statm)),
        new("mem", File, true, c => new MemoryInode(c)),
        new("maps", File, true, c => new ProcessText(c, Public, ProcessMemoryFiles.Maps, isPrivate: true)),
        new("smaps", File, true, c => new ProcessText(c, Public, ProcessResidency.Smaps, isPrivate: true)),
        new("smaps_rollup", File, true, c => new ProcessText(c, Public, ProcessResidency.Rollup, isPrivate: true)),
        new("pagemap", File, true, c => new PagemapInode(c)),
        new("cwd", Link, true, c => new ProcessLink(c, ProcessLink.Cwd)),
        new("root", Link, true, c => new ProcessLink(c, ProcessLink.Root)),
        new("exe", Link, true, c => new ProcessLink(c, ProcessLink.Exe)),
        new("mounts", File, true, c => new MountsText(c, ProcessFiles.Mounts)),
        new("mountinfo", File, true, c => new MountsText(c, ProcessFiles.MountInfo)),
        new("wchan", File, true, c => new ProcessText(c, Public, ProcessFiles.WaitChannel)),
        new("schedstat", File, true, c => new ProcessText(c, Public, ProcessFiles.SchedStat)),
        new("sched", File, true, c => new ProcessText(c, Public, ProcessSched.Write)),
        new("cgroup", File, true, c => new ProcessText(c, Public, ProcessFiles.Cgroup)),
        new("oom_score", File, true, c => new ProcessText(c, Public, ProcessFiles.OomScore)),
        new("oom_score_adj", File, true, c => new ProcessSetting(c, TextInode.ReadWriteMode, ProcessFiles.OomScoreAdjustment, ProcessFiles.SetOomScoreAdjustment)),
        new("coredump_filter", File, true, c => new ProcessSetting(c, TextInode.ReadWriteMode, ProcessFiles.CoreDumpFilter, ProcessFiles.SetCoreDumpFilter)),
        new("loginuid", File, true, c => new ProcessText(c, Public, ProcessFiles.LoginUid)),
        new("sessionid", File, true, c => new ProcessText(c, Public, ProcessFiles.LoginUid)),
        new("uid_map", File, true, c => new ProcessText(c, Public, ProcessFiles.IdMap)),
        new("gid_map", File, true, c => new ProcessText(c, Public, ProcessFiles.IdMap)),
        new("setgroups", File, true, c => new ProcessText(c, Public, ProcessFiles.SetGroups)),
        new("io", File, true, c => new ProcessText(c, Private, ProcessFiles.Io, isPrivate: true)),
        new("children", File, true, c => new ProcessText(c, Public, ProcessFiles.Children)),
    ];
}
