using System.Globalization;
using System.Text;
using Vitrine.Kernel.Drivers.Block;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;
using Vitrine.Kernel.Vfs.Generated;

namespace Vitrine.Fs.Sys;

/// <summary>/sys/devices/virtual/block: a directory per disk, which /sys/block and /sys/dev/block link to.</summary>
internal static class BlockDirectory
{
    /// <summary>The disks' own directories.</summary>
    public static StaticEntry[] Disks() => ForEach(i => new StaticEntry(Name(i), FileMode.Directory, sb => new DiskDirectory(sb, i)));

    /// <summary>Links by name.</summary>
    public static StaticEntry[] Links() => ForEach(i => Link(Name(i), "../devices/virtual/block/" + Name(i)));

    /// <summary>Links by device number.</summary>
    public static StaticEntry[] Numbers() => ForEach(i => Link($"{LoopDevices.Major}:{i}", "../../devices/virtual/block/" + Name(i)));

    private static StaticEntry[] ForEach(Func<int, StaticEntry> make)
    {
        var entries = new StaticEntry[LoopDevices.Count];
        for (int i = 0; i < entries.Length; i++)
            entries[i] = make(i);
        return entries;
    }

    private static string Name(int index) => "loop" + index.ToString(CultureInfo.InvariantCulture);

    private static StaticEntry Link(string name, string target) => new(name, FileMode.Symlink, sb => new TextSymlink(sb, _ => target));

    private static StaticEntry Text(string name, Func<Task, string> value) =>
        new(name, FileMode.Regular, sb => new SimpleText(sb, TextInode.ReadOnlyMode, (current, text) => text.Line(value(current))));

    private static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);

    /// <summary>One disk. What concerns its file is there only while it has one.</summary>
    private sealed class DiskDirectory(GeneratedSuperBlock superBlock, int index) : StaticDirectory(superBlock, Entries(index))
    {
        protected override GeneratedInode? Find(Task current, FileName name) =>
            name.ToString() == "loop" && current.Kernel.LoopDevices[index].Backing is null ? null : base.Find(current, name);

        private static StaticEntry[] Entries(int index) =>
        [
            Text("dev", _ => $"{LoopDevices.Major}:{index}"),
            Text("size", t => Number(t.Kernel.LoopDevices[index].Size >> 9)),
            Text("ro", t => t.Kernel.LoopDevices[index].IsReadOnly ? "1" : "0"),
            Text("removable", _ => "0"),
            Text("range", _ => "1"),
            new("queue", FileMode.Directory, sb => new StaticDirectory(sb,
            [
                Text("logical_block_size", t => Number(t.Kernel.LoopDevices[index].SectorSize)),
                Text("physical_block_size", t => Number(t.Kernel.LoopDevices[index].SectorSize)),
                Text("hw_sector_size", t => Number(t.Kernel.LoopDevices[index].SectorSize)),
                Text("rotational", _ => "0"),
            ])),
            new("loop", FileMode.Directory, sb => new LoopDirectory(sb, index)),
        ];
    }

    private sealed class LoopDirectory(GeneratedSuperBlock superBlock, int index) : StaticDirectory(superBlock, Entries(index))
    {
        public override bool IsStillValid => SuperBlock.Kernel.LoopDevices[index].Backing is not null;

        private static StaticEntry[] Entries(int index) =>
        [
            Text("backing_file", t => BackingFile(t, index)),
            Text("offset", t => t.Kernel.LoopDevices[index].Offset.ToString(CultureInfo.InvariantCulture)),
            Text("sizelimit", t => t.Kernel.LoopDevices[index].SizeLimit.ToString(CultureInfo.InvariantCulture)),
            Flag("autoclear", index, LoopFlags.AutoClear),
            Flag("partscan", index, LoopFlags.PartitionScan),
            Flag("dio", index, LoopFlags.DirectIo),
        ];

        private static StaticEntry Flag(string name, int index, LoopFlags flag) =>
            Text(name, t => (t.Kernel.LoopDevices[index].Flags & flag) != 0 ? "1" : "0");

        private static string BackingFile(Task current, int index) =>
            current.Kernel.LoopDevices[index].Backing is { } file ? Encoding.UTF8.GetString(PathText.Of(file.Path, current.Fs!.Root)) : "";
    }
}
