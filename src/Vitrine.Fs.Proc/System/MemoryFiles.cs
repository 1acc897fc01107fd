using Vitrine.Kernel.Mm;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs.Generated;

namespace Vitrine.Fs.Proc.System;

/// <summary>meminfo, vmstat, buddyinfo, zoneinfo, swaps (proc(5)).</summary>
internal static class MemoryFiles
{
    private const int NameWidth = 16;
    private const int ValueWidth = 8;

    public static void MemInfo(Task current, GeneratedText text)
    {
        foreach (MemInfoLine line in Vitrine.Kernel.Mm.MemInfo.Collect(current.Kernel))
        {
            if (line.IsKilobytes)
                text.AppendKilobytes(line.Name + ":", (ulong)line.Value, NameWidth, ValueWidth);
            else
                text.Append(line.Name).Append(':').AppendPadded(line.Value, NameWidth + ValueWidth - line.Name.Length - 1).Append('\n');
        }
    }

    public static void VmStat(Task current, GeneratedText text)
    {
        VmStatistics vm = current.Kernel.Memory.Vm;
        for (VmCounter counter = 0; counter < VmCounter.Count; counter++)
            text.Append(VmStatistics.NameOf(counter)).Append(' ').Append(vm[counter]).Append('\n');
    }

    public static void BuddyInfo(Task current, GeneratedText text)
    {
        foreach (Zone zone in current.Kernel.Memory.Zones)
        {
            text.Append("Node 0, zone ").Append(zone.Name.PadLeft(8)).Append(' ');
            for (int order = 0; order < Zone.Orders; order++)
                text.AppendPadded(zone.FreeBlocks(order), 6).Append(' ');
            text.Append('\n');
        }
    }

    public static void ZoneInfo(Task current, GeneratedText text)
    {
        foreach (Zone zone in current.Kernel.Memory.Zones)
        {
            text.Append("Node 0, zone ").Append(zone.Name.PadLeft(8)).Append("\n  pages free     ").Append(zone.Free);
            text.Append("\n        min      ").Append(zone.WatermarkMin).Append("\n        low      ").Append(zone.WatermarkLow);
            text.Append("\n        high     ").Append(zone.WatermarkHigh).Append("\n        spanned  ").Append(zone.Spanned);
            text.Append("\n        present  ").Append(zone.Spanned).Append("\n        managed  ").Append(zone.Managed);
            text.Append("\n  start_pfn:           ").Append(zone.Start).Append('\n');
        }
    }

    public static void Swaps(Task current, GeneratedText text) =>
        text.Append("Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
}
