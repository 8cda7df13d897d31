// What echarts is told to draw for the seven days of traffic.
import type { DashboardAnswer } from '@sallyport/contract'

export type ChartColours = {
  ink: string
  line: string
  surface: string
  allowed: string
  intercepted: string
}

type TrafficChart = {
  trend: DashboardAnswer['trend']
  colours: ChartColours
  allowedName: string
  interceptedName: string
  formatDay: (date: string) => string
  formatNumber: (value: number) => string
}

/** The page's own colours, as they stand under the present theme: a canvas can't read CSS variables. */
export function readChartColours(): ChartColours {
  const style = getComputedStyle(document.documentElement)
  const read = (name: string) => style.getPropertyValue(name).trim()
  return {
    ink: read('--ink-muted'),
    line: read('--line-soft'),
    surface: read('--surface-raised'),
    allowed: read('--accent'),
    intercepted: read('--warn'),
  }
}

function describeDay(chart: TrafficChart, index: number): string {
  const day = chart.trend[index]
  if (!day) return ''
  const { formatDay, formatNumber } = chart
  return [
    formatDay(day.date),
    `${chart.allowedName}: ${formatNumber(day.allowed)}`,
    `${chart.interceptedName}: ${formatNumber(day.intercepted)}`,
  ].join('\n')
}

export function trafficChartOption(chart: TrafficChart) {
  const { trend, colours, allowedName, interceptedName, formatNumber } = chart
  const days = trend.map((day) => chart.formatDay(day.date))
  const label = { color: colours.ink, fontSize: 11 }
  const xAxis = (gridIndex: number, isLabelled: boolean) => ({
    type: 'category',
    gridIndex,
    data: days,
    axisLabel: { ...label, show: isLabelled },
    axisTick: { show: false },
    axisLine: { lineStyle: { color: colours.line } },
  })
  const yAxis = (gridIndex: number, name: string) => ({
    type: 'value',
    gridIndex,
    name,
    nameTextStyle: { ...label, align: 'left', padding: [0, 0, 0, -36] },
    minInterval: 1,
    splitNumber: 3,
    axisLabel: { ...label, formatter: formatNumber },
    splitLine: { lineStyle: { color: colours.line } },
  })
  const bars = (index: number, name: string, color: string, data: number[]) => ({
    type: 'bar',
    name,
    data,
    xAxisIndex: index,
    yAxisIndex: index,
    barMaxWidth: 34,
    itemStyle: { color, borderRadius: [3, 3, 0, 0] },
  })
  return {
    animationDuration: 250,
    grid: [
      { left: 52, right: 12, top: 34, bottom: '42%' },
      { left: 52, right: 12, top: '70%', bottom: 28 },
    ],
    axisPointer: { link: [{ xAxisIndex: 'all' }] },
    tooltip: {
      trigger: 'axis',
      // Drawn on the canvas: the HTML tooltip carries style attributes, which the policy refuses.
      renderMode: 'richText',
      axisPointer: { type: 'shadow' },
      backgroundColor: colours.surface,
      borderColor: colours.line,
      textStyle: { color: colours.ink, fontSize: 12, lineHeight: 18 },
      formatter: (bars: { dataIndex: number }[]) => describeDay(chart, bars[0]?.dataIndex ?? 0),
    },
    xAxis: [xAxis(0, false), xAxis(1, true)],
    yAxis: [yAxis(0, allowedName), yAxis(1, interceptedName)],
    series: [
      bars(
        0,
        allowedName,
        colours.allowed,
        trend.map((day) => day.allowed),
      ),
      bars(
        1,
        interceptedName,
        colours.intercepted,
        trend.map((day) => day.intercepted),
      ),
    ],
  }
}
