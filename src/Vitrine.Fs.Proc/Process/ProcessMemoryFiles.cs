using System.Runtime.InteropServices;
using Vitrine.Kernel.Mm;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;
using Vitrine.Kernel.Vfs.Generated;

namespace Vitrine.Fs.Proc.Process;

/// <summary>maps, statm, auxv (proc(5)).</summary>
internal static class ProcessMemoryFiles
{
    private const int NameColumn = 73;

    public static void Maps(Task current, ProcessContext context, GeneratedText text)
    {
        if (context.Task.Mm is not { } mm)
            return;
        for (int i = 0; i < mm.Areas.Count; i++)
            MapLine(current, text, mm, mm.Areas[i]);
        // The vsyscall page that Linux shows last does not exist here (vsyscall=none).
    }

    public static void Statm(Task current, ProcessContext context, GeneratedText text)
    {
        if (context.Task.Mm is not { } mm)
        {
            text.Append("0 0 0 0 0 0 0\n");
            return;
        }

        MmStatistics s = mm.Statistics;
        ulong code = (Page.AlignUp(mm.EndCode.Value) - Page.AlignDown(mm.StartCode.Value)) >> Page.Shift;
        text.Append(s.TotalVm).Append(' ').Append(s.Resident).Append(' ').Append(s.Rss(RssKind.File) + s.Rss(RssKind.Shmem));
        text.Append(' ').Append(code).Append(" 0 ").Append(s.DataVm + s.StackVm).Append(" 0\n");
    }

    public static void Auxv(Task current, ProcessContext context, GeneratedText text)
    {
        if (context.Task.Mm is { } mm)
            text.Append(MemoryMarshal.AsBytes(mm.SavedAuxv.AsSpan()));
    }

    internal static void MapLine(Task current, GeneratedText text, MmStruct mm, VmArea area)
    {
        int start = text.Length;
        text.AppendHex(area.Start.Value, 8).Append('-').AppendHex(area.End.Value, 8).Append(' ');
        text.Append((area.Flags & VmFlags.Read) != 0 ? 'r' : '-').Append((area.Flags & VmFlags.Write) != 0 ? 'w' : '-');
        text.Append((area.Flags & VmFlags.Execute) != 0 ? 'x' : '-').Append((area.Flags & VmFlags.MayShare) != 0 ? 's' : 'p').Append(' ');
        if (area.File is { } file)
        {
            DeviceNumber device = file.Inode.SuperBlock.Device;
            text.AppendHex(area.PageOffset << Page.Shift, 8).Append(' ').AppendHex(device.Major, 2).Append(':').AppendHex(device.Minor, 2);
            text.Append(' ').Append(file.Inode.Number.Value).Append(' ');
        }
        else
        {
            text.Append("00000000 00:00 0 ");
        }

        ReadOnlySpan<byte> name = area.File is { } named
            ? PathText.Of(named.Path, current.Fs!.Root)
            : global::System.Text.Encoding.UTF8.GetBytes(mm.NameOf(area) ?? "");
        if (name.Length > 0)
        {
            while (text.Length - start < NameColumn)
                text.Append(' ');
            // A newline in a name would end the line.
            foreach (byte b in name)
            {
                if (b == '\n')
                    text.Append("\\012");
                else
                    text.Append([b]);
            }
        }

        text.Append('\n');
    }
}
