using System.Globalization;
using Vitrine.Kernel;
using Vitrine.Kernel.Async;
using Vitrine.Kernel.Mm;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;
using Vitrine.Kernel.Vfs.Generated;

namespace Vitrine.Fs.Sys;

/// <summary>sysfs (sysfs(5)): what programs read of it so far: processors, their caches, memory settings, mount points.</summary>
internal sealed class SysFileSystem : FileSystemType
{
    public override string Name => "sysfs";

    public override KTask<Result<SuperBlock>> MountAsync(Task current, string source, MountFlags flags, string options) =>
        KTask<Result<SuperBlock>>.FromResult(new SysSuperBlock(this, current.Kernel) { Source = source });
}

/// <summary>The tree; what describes the machine is made when it is first looked up.</summary>
internal sealed class SysSuperBlock : GeneratedSuperBlock
{
    public SysSuperBlock(FileSystemType type, KernelInstance kernel)
        : base(type, kernel) => Root = Dentry.CreateRoot(new StaticDirectory(this, Tree(kernel)));

    protected override long Magic => 0x62656572;

    private static StaticEntry[] Tree(KernelInstance kernel) =>
    [
        new("block", FileMode.Directory, static sb => new StaticDirectory(sb, BlockDirectory.Links())),
        Directory("bus", []),
        Directory("class", []),
        Directory("dev",
        [
            new("block", FileMode.Directory, static sb => new StaticDirectory(sb, BlockDirectory.Numbers())),
            Directory("char", []),
        ]),
        new("devices", FileMode.Directory, sb => new StaticDirectory(sb, Devices(kernel))),
        Directory("firmware", []),
        Directory("fs", [Directory("cgroup", [])]),
        new("kernel", FileMode.Directory, static sb => new StaticDirectory(sb, KernelSettings())),
        Directory("module", []),
        Directory("power", []),
    ];

    private static StaticEntry[] Devices(KernelInstance kernel) =>
    [
        Directory("system", [Directory("cpu", Processors(kernel)), Directory("node", Nodes(kernel))]),
        Directory("virtual", [new("block", FileMode.Directory, static sb => new StaticDirectory(sb, BlockDirectory.Disks()))]),
    ];

    private static StaticEntry[] KernelSettings() =>
    [
        Directory("mm", [Directory("transparent_hugepage",
        [
            Text("enabled", "always madvise [never]"),
            Text("defrag", "always defer defer+madvise madvise [never]"),
            Text("hpage_pmd_size", "2097152"),
        ])]),
    ];

    private static StaticEntry[] Processors(KernelInstance kernel)
    {
        int count = kernel.Processors.Length;
        string all = Range(count);
        var entries = new List<StaticEntry>();
        for (int i = 0; i < count; i++)
        {
            string own = Number(i);
            string mask = Mask(1UL << i, count);
            entries.Add(Directory("cpu" + own,
            [
                Directory("cache", Caches(i)),
                Directory("topology",
                [
                    Text("core_id", own), Text("physical_package_id", "0"), Text("core_cpus_list", own), Text("core_siblings_list", all),
                    Text("thread_siblings_list", own), Text("thread_siblings", mask), Text("package_cpus_list", all), Text("die_id", "0"),
                ]),
            ]));
        }

        entries.Add(Text("isolated", ""));
        entries.Add(Text("kernel_max", "63"));
        entries.Add(Text("offline", ""));
        entries.Add(Text("online", all));
        entries.Add(Text("possible", all));
        entries.Add(Text("present", all));
        return [.. entries];
    }

    /// <summary>The caches that cpuid's leaf 4 announces.</summary>
    private static StaticEntry[] Caches(int processor)
    {
        var entries = new List<StaticEntry>();
        for (uint index = 0; ; index++)
        {
            (ulong eax, ulong ebx, ulong sets, _) = Vitrine.Cpu.CpuModel.Leaf(Vitrine.Cpu.CpuLevel.Max, 4, index, 0);
            if ((eax & 0x1f) == 0)
                break;
            ulong line = (ebx & 0xfff) + 1;
            ulong ways = (ebx >> 22) + 1;
            ulong size = line * ways * (sets + 1);
            string type = (eax & 0x1f) switch { 1 => "Data", 2 => "Instruction", _ => "Unified" };
            entries.Add(Directory("index" + Number((int)index),
            [
                Text("coherency_line_size", Number((long)line)), Text("level", Number((long)((eax >> 5) & 7))),
                Text("number_of_sets", Number((long)sets + 1)), Text("shared_cpu_list", Number(processor)),
                Text("size", Number((long)size / 1024) + "K"), Text("type", type), Text("ways_of_associativity", Number((long)ways)),
            ]));
        }

        return [.. entries];
    }

    private static StaticEntry[] Nodes(KernelInstance kernel) =>
    [
        Directory("node0",
        [
            Text("cpulist", Range(kernel.Processors.Length)),
            Text("cpumap", Mask(ulong.MaxValue >> (64 - kernel.Processors.Length), kernel.Processors.Length)),
            Text("distance", "10"),
            new("meminfo", FileMode.Regular, static sb => new SimpleText(sb, TextInode.ReadOnlyMode, static (current, text) => NodeMemory(current, text))),
        ]),
        Text("has_cpu", "0"),
        Text("has_memory", "0"),
        Text("has_normal_memory", "0"),
        Text("online", "0"),
        Text("possible", "0"),
    ];

    private static StaticEntry Directory(string name, StaticEntry[] entries) =>
        new(name, FileMode.Directory, sb => new StaticDirectory(sb, entries));

    private static StaticEntry Text(string name, string value) =>
        new(name, FileMode.Regular, sb => new SimpleText(sb, TextInode.ReadOnlyMode, (_, text) => text.Line(value)));

    private static void NodeMemory(Task current, GeneratedText text)
    {
        foreach (MemInfoLine line in MemInfo.CollectNode(current.Kernel))
        {
            text.Append("Node 0 ");
            if (line.IsKilobytes)
                text.AppendKilobytes(line.Name + ":", (ulong)line.Value, 16, 8);
            else
                text.Append(line.Name).Append(':').AppendPadded(line.Value, 21 - line.Name.Length).Append('\n');
        }
    }

    /// <summary>A set of processors as hexadecimal digits, as many as there can be processors, with a comma between each 32 bits.</summary>
    private static string Mask(ulong processors, int count)
    {
        string low = Digits((uint)processors, Math.Min(count, 32));
        return count > 32 ? Digits((uint)(processors >> 32), count - 32) + "," + low : low;

        static string Digits(uint bits, int width) => bits.ToString("x" + Number((width + 3) / 4), CultureInfo.InvariantCulture);
    }

    private static string Range(int count) => count == 1 ? "0" : "0-" + Number(count - 1);

    private static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);
}
