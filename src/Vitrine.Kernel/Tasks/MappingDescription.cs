using System.Globalization;
using System.Text;
using Vitrine.Kernel.Mm;

namespace Vitrine.Kernel.Tasks;

/// <summary>What the log says about where a faulting instruction lies: " in libc.so.6[28000,7f…+157000]".</summary>
internal static class MappingDescription
{
    public static string Of(MmStruct mm, VirtAddr address)
    {
        if (mm.Areas.Find(address) is not { File: { } file } area)
            return "";
        ulong offset = (area.PageOffset << Page.Shift) + (address - area.Start);
        return string.Create(
            CultureInfo.InvariantCulture,
            $" in {Encoding.UTF8.GetString(file.Path.Dentry.Name.Bytes)}[{offset:x},{area.Start.Value:x}+{area.Length:x}]");
    }
}
